using System.CommandLine;
using System.Globalization;
using System.Text;
using ContentTree.Deploy.Deployments;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>config dump [--origin]</c>: every setting as it counts; <c>config diff</c>: how <c>/etc</c> differs from its tree's.</summary>
internal static class ConfigCommand
{
    public static Command Create(Globals globals) => new("config", "look at the configuration") { Dump(globals), Diff(globals) };

    private static Command Diff(Globals globals)
    {
        var command = new Command(DiffCommand.Name, "show which paths of /etc differ from the running tree's: ends with 0 same, 1 different, 2 trouble");
        command.SetAction(globals.Run((context, _, _) =>
        {
            using var device = context.Open();
            var drift = EtcDrift.Look(device) ?? throw new StoppedException(ExitCode.NotFound, "nothing runs here that has an /etc of its own");
            context.Output.Write(new EtcDocument(drift.Added, drift.Changed, drift.Removed, drift.Paths ?? []), DocumentJson.Default.EtcDocument, Text);
            return Task.FromResult(drift.Count() == 0 ? ExitCode.Done : ExitCode.Failed);
        }));
        return command;
    }

    private static string Text(EtcDocument etc) =>
        string.Concat(etc.Paths.Select(path => $"{path}\n")) + $"{etc.Added} added, {etc.Changed} changed, {etc.Removed} removed{(etc.Paths.Count < etc.Added + etc.Changed + etc.Removed ? $"; the first {etc.Paths.Count} are shown" : "")}";

    private static Command Dump(Globals globals)
    {
        var origin = new Option<bool>("--origin") { Description = "also where each value stands" };
        var command = new Command("dump", "print every setting with the value that counts") { origin };
        command.SetAction(globals.Run((context, parse, _) =>
        {
            var withOrigin = parse.GetValue(origin);
            var document = new ConfigDocument(
                [.. context.LoadConfig().Effective.Select(s => new ConfigValue(s.Key, s.Value, withOrigin ? s.Origin : null))]);
            context.Output.Write(document, DocumentJson.Default.ConfigDocument, Text);
            return Task.FromResult(ExitCode.Done);
        }));
        return command;
    }

    // What is printed is itself a configuration file.
    private static string Text(ConfigDocument document)
    {
        var text = new StringBuilder();
        foreach (var section in document.Settings.GroupBy(s => s.Key.Split('.')[0]))
        {
            text.Append(CultureInfo.InvariantCulture, $"[{section.Key}]\n");
            foreach (var setting in section)
            {
                if (setting.Origin is { } origin)
                    text.Append(CultureInfo.InvariantCulture, $"# {origin}\n");
                text.Append(CultureInfo.InvariantCulture, $"{setting.Key[(section.Key.Length + 1)..]} = {setting.Value}\n");
            }
        }
        return text.ToString();
    }
}
