using System.CommandLine;
using ContentTree.Server.Client;
using ContentTree.Server.Publishing;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary><c>branch promote</c> and <c>branch revert</c>: a branch goes to a commit that is there already. No object moves.</summary>
internal static class BranchMoveCommand
{
    public static Command Promote(CommandContext context)
    {
        var from = new Argument<string>("FROM") { Description = $"where it goes to: {CommitReference.Help}" };
        var branch = CommandContext.Branch("BRANCH");
        return Create(context, new Command("promote", "Move a branch to what another branch is at."), from, branch, isRevert: false);
    }

    public static Command Revert(CommandContext context)
    {
        var branch = CommandContext.Branch("BRANCH");
        var to = new Argument<string>("COMMIT") { Description = $"an earlier commit: {CommitReference.Help}" };
        return Create(context, new Command("revert", "Lead a branch back to an earlier commit, as a new position of it."), to, branch, isRevert: true);
    }

    private static Command Create(CommandContext context, Command command, Argument<string> commit, Argument<BranchName> branch, bool isRevert)
    {
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        Argument[] arguments = isRevert ? [branch, commit] : [commit, branch];
        foreach (var argument in arguments)
            command.Add(argument);
        var reason = CommandContext.Reason();
        command.Add(reason);
        command.Add(server);
        command.Add(token);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            var (target, text) = (parsed.GetValue(branch), parsed.GetRequiredValue(commit));
            using var client = CommandContext.Connect(parsed, server, token);
            var moved = client is null ? MoveLocally(context, parsed, target, text, isRevert, parsed.GetValue(reason)) : await MoveRemotelyAsync(client, target, text, isRevert, parsed.GetValue(reason), cancellation);
            context.Terminal.Error.WriteLine($"{target} is at sequence {moved.Sequence}");
            context.Terminal.Out.WriteLine(moved.Commit);
            return ExitCode.Done;
        });
    }

    private static MoveHeadAnswer MoveLocally(CommandContext context, ParseResult parsed, BranchName target, string text, bool isRevert, string? reason)
    {
        using var data = context.OpenData(parsed);
        return new BranchSteering(data, context.Time).Move(target, text, BranchMove.Here(isRevert ? BranchMove.Revert : BranchMove.Promote, reason));
    }

    private static async Task<MoveHeadAnswer> MoveRemotelyAsync(ServerClient client, BranchName target, string text, bool isRevert, string? reason, CancellationToken cancellation)
    {
        var all = (await client.GetAsync(Routes.Branches, ProtocolJson.Default.BranchList, cancellation)).Branches;
        var commit = all.FirstOrDefault(b => b.Name.ToString() == text)?.Commit ??
            (ObjectId.TryParse(text, out var id) ? id : throw new NotFoundException($"no branch '{text}' on the server; of a commit all 64 digits are needed with --server"));
        var seen = all.FirstOrDefault(b => b.Name == target);
        if (seen?.Commit == commit)
            return new MoveHeadAnswer(seen.Sequence, commit);
        if (!isRevert)
            BranchSteering.RequireNotShown(text, target, all.Where(b => b.Private == true).Select(b => b.Name).ToHashSet());
        try
        {
            return await client.PostOnceAsync(Routes.PublishHeads, new MoveHeadRequest(target, commit, seen?.Sequence ?? 0, seen?.Commit, IsRevert: isRevert ? true : null, Reason: reason),
                ProtocolJson.Default.MoveHeadRequest, ProtocolJson.Default.MoveHeadAnswer, cancellation);
        }
        catch (RemoteProblemException e) when (e.Problem.Code == ProblemCode.Incomplete)
        {
            throw new NotFoundException(e.Message);
        }
    }
}
