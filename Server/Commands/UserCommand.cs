using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>user list|add|disable|enable|role|limit|password</c>: who may log in to the dashboard. Passwords are read from standard input.</summary>
internal static class UserCommand
{
    public static Command Create(CommandContext context) => new("user", "Say who may log in to the dashboard.")
    {
        List(context), Add(context), Disable(context, "disable", "Log a user out and keep him out.", true), Disable(context, "enable", "Let a user in again.", false),
        Role(context), Limit(context), Password(context),
    };

    private static Command List(CommandContext context)
    {
        var json = CommandContext.Json();
        return CommandContext.Run(new Command("list", "All users.") { json }, (parsed, _) =>
        {
            using var data = context.OpenData(parsed);
            var users = new Users(data.OpenDatabase(), context.Time).List();
            if (parsed.GetValue(json))
            {
                context.Terminal.PrintJson("ctree-server.users/1", new JsonObject
                {
                    ["users"] = new JsonArray([.. users.Select(u => new JsonObject
                    {
                        ["name"] = u.Name, ["role"] = u.Role, ["source"] = u.Source.Length > 0 ? u.Source : null, ["groups"] = u.Groups is null ? null : new JsonArray([.. u.Groups.Select(g => (JsonNode)g)]), ["created"] = Printing.Time(u.Created), ["disabled"] = u.Disabled is null ? null : Printing.Time(u.Disabled),
                    })]),
                });
            }
            else
            {
                context.Terminal.PrintTable(["USER", "ROLE", "GROUPS", "STATE", "COMES BY", "CREATED"], [.. users.Select(u => new[] { u.Name, u.Role, u.Groups is null ? "all" : string.Join(' ', u.Groups), u.Disabled is null ? "enabled" : "disabled", u.Source.Length > 0 ? u.Source : "password", Printing.Time(u.Created) })]);
            }
            return ExitCode.Done;
        });
    }

    private static Command Add(CommandContext context)
    {
        var (name, role, groups) = (Name(), RoleOption("--role"), GroupOption());
        var by = new Option<string>("--by") { Description = "proxy or issuer: who will vouch for him and give his role; he has no password here", HelpName = "LOGIN" };
        by.AcceptOnlyFromAmong([.. Users.Sources]);
        return CommandContext.Run(new Command("add", "Add a user; the first line of standard input is the password.") { name, role, groups, by }, async (parsed, cancellation) =>
        {
            if (parsed.GetValue(by) is not null == parsed.GetValue(role) is not null)
                throw new UsageException("say either --role, for a user with a password here, or --by for one to whom another login gives the role");
            if (parsed.GetValue(by) is { } source)
            {
                var expected = parsed.GetValue(groups) is { Length: > 0 } some ? some : null;
                Change(context, parsed, "user.add", name, users => users.Expect(parsed.GetRequiredValue(name), source, expected), $"by {source}{Words(expected)}");
                return ExitCode.Done;
            }
            var password = await ReadPasswordAsync(cancellation);
            var limit = parsed.GetValue(groups) is { Length: > 0 } named ? named : null;
            Change(context, parsed, "user.add", name, users => users.Add(parsed.GetRequiredValue(name), parsed.GetValue(role) ?? "", password, limit), $"{parsed.GetValue(role)}{Words(limit)}");
            return ExitCode.Done;
        });
    }

    private static Command Disable(CommandContext context, string verb, string what, bool isDisabled)
    {
        var name = Name();
        return CommandContext.Run(new Command(verb, what) { name }, (parsed, _) =>
        {
            Change(context, parsed, $"user.{verb}", name, users => users.SetDisabled(parsed.GetRequiredValue(name), isDisabled));
            return ExitCode.Done;
        });
    }

    private static Command Role(CommandContext context)
    {
        var (name, role) = (Name(), new Argument<string>("ROLE") { Description = string.Join(", ", Users.Roles) });
        role.AcceptOnlyFromAmong([.. Users.Roles]);
        return CommandContext.Run(new Command("role", "Give a user another role; he has to log in again.") { name, role }, (parsed, _) =>
        {
            Change(context, parsed, "user.role", name, users => users.SetRole(parsed.GetRequiredValue(name), parsed.GetRequiredValue(role)), parsed.GetRequiredValue(role));
            return ExitCode.Done;
        });
    }

    private static Command Limit(CommandContext context)
    {
        var (name, groups) = (Name(), GroupOption());
        var none = new Option<bool>("--none") { Description = "of the whole fleet again" };
        return CommandContext.Run(new Command("limit", "Limit a user to the devices of some groups; he has to log in again.") { name, groups, none }, (parsed, _) =>
        {
            var limit = parsed.GetValue(groups) is { Length: > 0 } named ? named : null;
            if (limit is null != parsed.GetValue(none))
                throw new UsageException("name groups by --group, or --none for no limit");
            Change(context, parsed, "user.limit", name, users => users.SetGroups(parsed.GetRequiredValue(name), limit), limit is null ? "no limit" : string.Join(' ', limit));
            return ExitCode.Done;
        });
    }

    private static Command Password(CommandContext context)
    {
        var name = Name();
        return CommandContext.Run(new Command("password", "Give a user another password, the first line of standard input; he is logged out everywhere.") { name }, async (parsed, cancellation) =>
        {
            var password = await ReadPasswordAsync(cancellation);
            Change(context, parsed, "user.password", name, users => users.SetPassword(parsed.GetRequiredValue(name), password));
            return ExitCode.Done;
        });
    }

    // Not an argument: everybody on the machine sees those.
    private static async Task<string> ReadPasswordAsync(CancellationToken cancellation) =>
        await Console.In.ReadLineAsync(cancellation) is { Length: > 0 } line ? line : throw new UsageException("standard input has no password; for instance: ctree-server user add NAME --role admin < password-file");

    private static Option<string> RoleOption(string name)
    {
        var role = new Option<string>(name) { Description = string.Join(", ", Users.Roles), HelpName = "ROLE" };
        role.AcceptOnlyFromAmong([.. Users.Roles]);
        return role;
    }

    private static Option<string[]> GroupOption() => new("--group") { Description = "sees and steers the devices of this group only (viewer, operator, approver, or whoever comes by another login); several times for several", HelpName = "GROUP" };

    private static string Words(string[]? groups) => groups is null ? "" : $", of {string.Join(' ', groups)}";

    private static Argument<string> Name() => new("NAME") { Description = "a user's name" };

    private static void Change(CommandContext context, ParseResult parsed, string verb, Argument<string> name, Action<Users> change, string? after = null)
    {
        using var data = context.OpenData(parsed);
        change(new Users(data.OpenDatabase(), context.Time));
        context.Note(data, verb, parsed.GetRequiredValue(name), after: after);
    }
}
