using System.CommandLine;
using System.Globalization;
using System.Text;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>config dump [--origin]</c>: every setting as it counts.</summary>
internal static class ConfigCommand
{
    public static Command Create(Globals globals) => new("config", "look at the configuration") { Dump(globals) };

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
