using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary><c>group list|set|add|drop|remove</c> and what is said of groups.</summary>
internal static class GroupCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("group", "Name sets of devices, and say what they are to do.")
        {
            List(context), Set(context), Listing(context, "add", "Put devices into a group.", true), Listing(context, "drop", "Take devices out of a group.", false), Remove(context),
        };
        foreach (var verb in PolicyVerbs.Create(context, "a group", Name, name => new PolicyScope.Group(name),
            (name, policy) => $"{name} {policy?.Action ?? "released"}{(policy?.Commit is { } commit ? $" {commit}" : "")}"))
        {
            command.Add(verb);
        }
        return command;
    }

    private static Command List(CommandContext context)
    {
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("list", "All groups, those that decide first first.") { server, token, json }, async (parsed, cancellation) =>
        {
            using var fleet = PolicyAccess.Open(context, parsed, server, token);
            var groups = await fleet.GroupsAsync(cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.groups/1", JsonSerializer.SerializeToNode(new GroupList(groups), ProtocolJson.Default.GroupList) as JsonObject ?? []);
            else
            {
                context.Terminal.PrintTable(["GROUP", "RANK", "DEVICES", "POLICY", "COMMIT", "UNTIL", "BY", "FILTER"],
                    [.. groups.Select(g => new[] { g.Name, $"{g.Rank}", $"{g.Devices}", g.Policy?.Action ?? "-", Printing.Short(g.Policy?.Commit), Printing.Time(g.Policy?.Expires), g.Policy?.By ?? "-", g.Filter ?? "" })]);
            }
            return ExitCode.Done;
        });
    }

    private static Command Set(CommandContext context)
    {
        var name = Name();
        var filter = new Option<string?>("--filter") { Description = "who is in it besides those that are added, such as 'hardware~scope-* and label.site==berlin'; '' for nobody", HelpName = "FILTER" };
        var rank = new Option<long?>("--rank") { Description = $"of a device's groups the lowest decides first (default: {Groups.UsualRank})", HelpName = "N" };
        var polls = new Option<long?>("--silent-polls") { Description = "its devices are silent when they have missed so many polls; 0: never; -1: as the server says", HelpName = "N" };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("set", "Make or change a group.") { name, filter, rank, polls, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = PolicyAccess.Open(context, parsed, server, token);
            var group = await fleet.SetGroupAsync(parsed.GetRequiredValue(name), new GroupRequest(parsed.GetValue(rank), parsed.GetValue(filter), parsed.GetValue(polls)), cancellation);
            context.Terminal.Out.WriteLine($"{group.Name} {group.Devices} devices");
            return ExitCode.Done;
        });
    }

    private static Command Listing(CommandContext context, string verb, string what, bool isListed)
    {
        var name = Name();
        var devices = new Argument<string[]>("DEVICE") { Description = "devices' ids", Arity = ArgumentArity.OneOrMore };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command(verb, what) { name, devices, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = PolicyAccess.Open(context, parsed, server, token);
            foreach (var device in parsed.GetRequiredValue(devices).Select(KeyId.Parse))
                await fleet.ListAsync(parsed.GetRequiredValue(name), device, isListed, cancellation);
            return ExitCode.Done;
        });
    }

    private static Command Remove(CommandContext context)
    {
        var name = Name();
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("remove", "Forget a group and what was said of it; its devices stay.") { name, server, token }, async (parsed, cancellation) =>
        {
            using var fleet = PolicyAccess.Open(context, parsed, server, token);
            await fleet.RemoveGroupAsync(parsed.GetRequiredValue(name), cancellation);
            return ExitCode.Done;
        });
    }

    private static Argument<GroupName> Name() => new("GROUP")
    {
        Description = "a group's name",
        CustomParser = result => GroupName.TryParse(result.Tokens[0].Value, out var name)
            ? name
            : CommandContext.Fail<GroupName>(result, $"'{result.Tokens[0].Value}' is no group's name: letters, digits, '.', '_' and '-'"),
    };
}
