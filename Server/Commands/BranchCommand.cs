using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>branch list|create|advance|promote|revert|history|protect|unprotect|private|public|delete</c>, and what is said of the devices of a branch.</summary>
internal static class BranchCommand
{
    public static Command Create(CommandContext context)
    {
        var command = new Command("branch", "List, make, move and delete branches, and say what their devices are to do.")
        {
            List(context), Make(context), Advance(context), BranchMoveCommand.Promote(context), BranchMoveCommand.Revert(context),
            BranchHistoryCommand.Create(context), Marking(context, "protect", "Let a branch go only to what another branch is at, or back, and keep it from being deleted.", Routes.ProtectedBranch, (register, name) => register.SetProtected(name, true), true),
            Marking(context, "unprotect", "Let a branch go anywhere again.", Routes.ProtectedBranch, (register, name) => register.SetProtected(name, false), false),
            Privacy(context, "private", "Show a branch only to devices that are allowed it.", true),
            Privacy(context, "public", "Show a branch, with all that it ever had, to everybody.", false), Delete(context),
        };
        foreach (var verb in PolicyVerbs.Create(context, "the devices of a branch", () => CommandContext.Branch("BRANCH"), name => new PolicyScope.Branch(name),
            (name, policy) => $"{name} {policy?.Action ?? "released"}{(policy?.Commit is { } commit ? $" {commit}" : "")}"))
        {
            command.Add(verb);
        }
        return command;
    }

    private static Command List(CommandContext context)
    {
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("list", "All branches and where they are.") { server, token, json }, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            var branches = client is null
                ? OnData(context, parsed, register => register.List())
                : (await client.GetAsync(Routes.Branches, ProtocolJson.Default.BranchList, cancellation)).Branches;
            if (parsed.GetValue(json))
            {
                var list = JsonSerializer.SerializeToNode(new BranchList(branches), ProtocolJson.Default.BranchList);
                context.Terminal.PrintJson("ctree-server.branches/1", list as JsonObject ?? []);
            }
            else
            {
                context.Terminal.PrintTable(["BRANCH", "SEQUENCE", "COMMIT", "VERSION", "PUBLISHED", "SEEN BY", "MOVES"],
                    [.. branches.Select(b => new[] { b.Name.ToString(), $"{b.Sequence}", Printing.Short(b.Commit), b.Version ?? "", Printing.Time(b.Created), b.Private == true ? "allowed" : "all", b.Protected == true ? "protected" : "free" })]);
            }
            return ExitCode.Done;
        });
    }

    private static Command Make(CommandContext context)
    {
        var name = CommandContext.Branch("BRANCH");
        var at = new Option<string?>("--at") { Description = $"start at this commit ({CommitReference.Help}; with --server a full id)", HelpName = "COMMIT" };
        var isPrivate = new Option<bool>("--private") { Description = "only devices that 'device allow' names, and tokens, get anything of it" };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("create", "Make a branch, empty or at a commit.") { name, at, isPrivate, server, token }, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            if (client is null)
                CreateLocally(context, parsed, parsed.GetValue(name), Start(context, parsed, at), parsed.GetValue(isPrivate));
            else
                await CreateRemotelyAsync(client, parsed.GetValue(name), parsed.GetValue(at), parsed.GetValue(isPrivate), cancellation);
            return ExitCode.Done;
        });
    }

    private static Command Advance(CommandContext context)
    {
        var name = CommandContext.Branch("BRANCH");
        var file = new Argument<string>("FILE") { Description = "the head, as 'publish --unsigned' wrote it and others signed it" };
        return CommandContext.Run(new Command("advance", "Move a branch to a head that was signed elsewhere.") { name, file }, (parsed, _) =>
        {
            using var data = context.OpenData(parsed);
            var head = new BranchRegister(data, new EmptyBranches(data.OpenDatabase()), context.Time).Advance(parsed.GetValue(name), StatementFile.Read(parsed.GetRequiredValue(file)));
            context.Terminal.Error.WriteLine($"{head.Branch} is at sequence {head.Sequence}");
            context.Terminal.Out.WriteLine(head.Commit);
            return ExitCode.Done;
        });
    }

    private static Command Privacy(CommandContext context, string verb, string what, bool isPrivate) =>
        Marking(context, verb, what, Routes.PrivateBranch, (register, name) => register.SetPrivate(name, isPrivate), isPrivate);

    // A PUT sets the mark, a DELETE takes it away.
    private static Command Marking(CommandContext context, string verb, string what, Func<BranchName, string> route, Action<BranchRegister, BranchName> mark, bool isSet)
    {
        var name = CommandContext.Branch("BRANCH");
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command(verb, what) { name, server, token }, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            var branch = parsed.GetValue(name);
            if (client is null)
            {
                OnData(context, parsed, register => { mark(register, branch); return 0; });
                Note(context, parsed, $"branch.{verb}", branch);
            }
            else
            {
                await (isSet ? client.PutAsync(route(branch), new StringContent(""), cancellation) : client.DeleteAsync(route(branch), cancellation));
            }
            return ExitCode.Done;
        });
    }

    private static Command Delete(CommandContext context)
    {
        var name = CommandContext.Branch("BRANCH");
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("delete", "Delete a branch; its objects stay until gc.") { name, server, token }, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            if (client is null)
            {
                OnData(context, parsed, register => { register.Delete(parsed.GetValue(name)); return 0; });
                Note(context, parsed, "branch.delete", parsed.GetValue(name));
            }
            else
            {
                await client.DeleteAsync(Routes.Branch(parsed.GetValue(name)), cancellation);
            }
            return ExitCode.Done;
        });
    }

    private static ObjectId? Start(CommandContext context, ParseResult parsed, Option<string?> at)
    {
        if (parsed.GetValue(at) is not { } text)
            return null;
        using var data = context.OpenData(parsed);
        return CommitReference.Resolve(data, context.Time, text);
    }

    private static Task CreateRemotelyAsync(ServerClient client, BranchName name, string? at, bool isPrivate, CancellationToken cancellation)
    {
        ObjectId? commit = at is null ? null : ObjectId.TryParse(at, out var id) ? id : throw new UsageException("--at wants all 64 digits of a commit's id with --server");
        return client.PostAsync(Routes.Branches, new BranchRequest(name, commit, isPrivate ? true : null),
            ProtocolJson.Default.BranchRequest, ProtocolJson.Default.BranchInfo, cancellation);
    }

    private static void CreateLocally(CommandContext context, ParseResult parsed, BranchName name, ObjectId? start, bool isPrivate)
    {
        OnData(context, parsed, register => register.Create(name, start, BranchMove.Here(BranchMove.Create), isPrivate));
        if (start is null)
            Note(context, parsed, "branch.create", name, isPrivate ? "empty, private" : "empty");
    }

    private static void Note(CommandContext context, ParseResult parsed, string verb, BranchName branch, string? after = null)
    {
        using var data = context.OpenData(parsed);
        context.Note(data, verb, branch, after: after);
    }

    private static T OnData<T>(CommandContext context, ParseResult parsed, Func<BranchRegister, T> action)
    {
        using var data = context.OpenData(parsed);
        return action(new BranchRegister(data, new EmptyBranches(data.OpenDatabase()), context.Time));
    }
}
