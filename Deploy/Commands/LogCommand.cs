using System.CommandLine;
using System.Globalization;
using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>log</c>: what happened here, oldest first: deployments made, what came of them, and boots out of the ordinary.</summary>
internal static class LogCommand
{
    private const string BootKind = "boot";
    private const string DeployedKind = "deployed";

    public static Command Create(Globals globals)
    {
        var lines = new Option<int?>("--lines", "-n") { Description = "only the newest N entries", HelpName = "N" };
        lines.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() < 1)
                result.AddError("--lines wants a number above 0");
        });
        var command = new Command("log", "show what happened here, oldest first") { lines };
        command.SetAction(globals.Run((context, parse, _) =>
        {
            using var device = context.Open();
            var entries = Boots(device).Concat(Deployments(device)).Concat(Events(device)).OrderBy(e => e.Time).ToArray();
            var document = new LogDocument([.. entries.TakeLast(parse.GetValue(lines) ?? int.MaxValue)]);
            context.Output.Write(document, DocumentJson.Default.LogDocument, log => string.Concat(log.Entries.Select(Line)));
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    private static IEnumerable<LogEntry> Boots(Device device) => BootLogFile.Read(device.Root)
        .Select(line => new LogEntry(line.Time, BootKind, line.Text, null, null, 0));

    private static IEnumerable<LogEntry> Deployments(Device device) => device.State.Deployments.Deployments
        .Select(note => new LogEntry(note.Created, DeployedKind, Text(note), note.Commit, note.Name.ToString(), 0));

    private static IEnumerable<LogEntry> Events(Device device)
    {
        var events = device.State.Events;
        return (events.Delivered ?? []).Concat(events.Events)
            .Select(e => new LogEntry(e.Time, e.Kind, e.Message ?? "", e.Commit, e.Deployment, e.Code));
    }

    private static string Text(DeploymentNote note)
    {
        var origin = note.Branch is { } branch ? $"{branch} {note.Sequence}" : "no branch";
        return note.Version.Length > 0 ? $"{origin}, version {note.Version}" : origin;
    }

    private static string Line(LogEntry entry)
    {
        var what = entry.Deployment ?? entry.Commit?.ToString();
        var parts = new[] { entry.Time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture), $"{entry.Kind,-11}", what, entry.Text };
        return string.Join(' ', parts.Where(part => !string.IsNullOrEmpty(part))) + (entry.Code == 0 ? "\n" : $" ({entry.Code})\n");
    }
}
