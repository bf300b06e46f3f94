using System.CommandLine;
using ContentTree.Server.Backups;
using ContentTree.Server.Publishing;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>restore</c>: a server's directory out of a backup, checked.</summary>
internal static class RestoreCommand
{
    private const int Named = 20;

    public static Command Create(CommandContext context)
    {
        var source = new Argument<string>("FILE|DIR") { Description = "an archive, or a directory of backups: its newest" };
        var noCheck = new Option<bool>("--no-check") { Description = "do not read all of it again to look whether it is whole" };
        return CommandContext.Run(new Command("restore", "Make the server's directory, which must be empty, from a backup.") { source, noCheck }, (parsed, cancellation) =>
        {
            var path = context.DataPath(parsed);
            var (summary, check) = new Restore(path, context.Time).Run(parsed.GetRequiredValue(source), !parsed.GetValue(noCheck), cancellation);
            context.Terminal.Error.WriteLine($"the backup of {Printing.Time(summary.Created)}: {summary.Objects} objects, {summary.Files} other files");
            if (check is { Damage.Count: > 0 })
                return Damaged(context.Terminal, path, check);
            if (check is not null)
                context.Terminal.Error.WriteLine($"{check.Objects} objects ({check.Bytes} bytes) and {check.Heads} heads checked, 0 damaged or missing");
            if (!summary.HasKeys)
                context.Terminal.Error.WriteLine($"no private keys were in it: put them into {path}/keys and {path}/online-keys before you serve");
            context.Terminal.Error.WriteLine("let devices poll before you publish: what was published after the backup is learnt from them; revoke tokens that were revoked since, again");
            context.Terminal.Out.WriteLine(Path.GetFullPath(path));
            return ExitCode.Done;
        });
    }

    private static ExitCode Damaged(Terminal terminal, string path, FullCheckResult check)
    {
        foreach (var damage in check.Damage.Take(Named))
            terminal.Out.WriteLine($"{damage.What}: {damage.Reason}");
        terminal.Error.WriteLine($"{check.Damage.Count} damaged or missing, so {path} stays closed; restore another backup elsewhere, or say it again with --no-check and mend it (docs/operations.md, \"Repair\")");
        return ExitCode.VerificationFailed;
    }
}
