using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Backups;
using ContentTree.Server.Client;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>backup</c>: everything that a server cannot make again, also while it runs. The archive's path is the last line on stdout.</summary>
internal static class BackupCommand
{
    public static Command Create(CommandContext context)
    {
        var target = new Argument<string>("FILE|DIR") { Description = "a new file whose name ends in .tar, or a directory of backups that takes in only what is new" };
        var withoutKeys = new Option<bool>("--without-keys") { Description = "leave out the private keys of keys/ and online-keys/" };
        var deltas = new Option<bool>("--deltas") { Description = "take in deltas too, which can be made again" };
        var keep = new Option<int?>("--keep") { Description = "backups of the directory to keep, newest first (default: all)", HelpName = "N" };
        keep.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() < 1)
                result.AddError("--keep wants a number above 0");
        });
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("backup", "Copy the server's data, also while it runs.") { target, withoutKeys, deltas, keep, server, token, json }, async (parsed, cancellation) =>
        {
            if (CommandContext.Connect(parsed, server, token) is { } connected)
            {
                using var client = connected;
                if (parsed.GetValue(keep) is not null || parsed.GetValue(deltas))
                    throw new UsageException("--keep and --deltas are for backups of local data");
                var taken = await RemoteBackup.TakeAsync(client, parsed.GetRequiredValue(target), cancellation);
                Print(context.Terminal, taken, parsed.GetValue(json));
                return taken.LeftOut > 0 ? ExitCode.Partial : ExitCode.Done;
            }
            using var data = context.OpenData(parsed);
            var options = new BackupOptions { WithKeys = !parsed.GetValue(withoutKeys), WithDeltas = parsed.GetValue(deltas), Keep = parsed.GetValue(keep) };
            var written = new Backup(data, options, context.Time, damage => context.Terminal.Error.WriteLine($"left out: {damage}")).Write(parsed.GetRequiredValue(target), cancellation);
            Print(context.Terminal, written, parsed.GetValue(json));
            return written.LeftOut > 0 ? ExitCode.Partial : ExitCode.Done;
        });
    }

    private static void Print(Terminal terminal, WrittenBackup written, bool json)
    {
        var (copied, pruned) = (written.Copied, written.Pruned);
        terminal.Error.WriteLine($"{written.Summary.Objects} objects, {copied.Objects} of them copied now ({copied.Bytes} bytes); {written.Summary.Files} other files");
        if (pruned.Backups > 0)
            terminal.Error.WriteLine($"removed {pruned.Backups} older backups and {pruned.Objects} objects that only they had");
        if (written.LeftOut > 0)
            terminal.Error.WriteLine($"{written.LeftOut} damaged objects were left out, and older backups stay; mend them (docs/operations.md, \"Repair\") and make a backup again");
        terminal.Error.WriteLine(written.Summary.HasKeys
            ? "private keys are in it: whoever can read it can sign for your devices; --without-keys leaves them out"
            : "no private keys are in it: without a copy of keys/ elsewhere a restored server can publish nothing");
        if (!json)
        {
            terminal.Out.WriteLine(written.Path);
            return;
        }
        terminal.PrintJson("ctree-server.backup/1", new JsonObject
        {
            ["archive"] = written.Path,
            ["bytes"] = written.Bytes,
            ["objects"] = written.Summary.Objects,
            ["copiedObjects"] = copied.Objects,
            ["copiedBytes"] = copied.Bytes,
            ["hasKeys"] = written.Summary.HasKeys,
            ["leftOut"] = written.LeftOut,
            ["removedBackups"] = pruned.Backups,
        });
    }
}
