using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary><c>config keys|set|unset|show|history|revert</c>: values that devices' applications read.</summary>
internal static class ConfigurationCommand
{
    private const int Shown = 100;
    private const int MaxShownText = 60;

    public static Command Create(CommandContext context) => new("config", "Say with which values devices' applications are to work.")
    {
        Keys(context), Set(context), Unset(context), Show(context), History(context), Revert(context),
    };

    private static Command Keys(CommandContext context)
    {
        var json = CommandContext.Json();
        var command = On(context, new Command("keys", "All keys; below it: define, remove.") { json }, async (access, parsed, cancellation) =>
        {
            var keys = await access.KeysAsync(cancellation);
            if (parsed.GetValue(json))
                Print(context, "ctree-server.config-keys/1", new ConfigurationKeyList(keys), ProtocolJson.Default.ConfigurationKeyList);
            else
            {
                context.Terminal.PrintTable(["KEY", "TYPE", "FLEET", "OVERRIDES", "DESCRIPTION"],
                    [.. keys.Select(k => new[] { $"{k.Name}", $"{k.Type}{(k.Secret ? ", secret" : "")}", k.Fleet ? "set" : "-", $"{k.Overrides}", k.Description ?? "" })]);
            }
        });
        command.Add(Define(context));
        command.Add(Remove(context));
        return command;
    }

    private static Command Define(CommandContext context)
    {
        var key = Key();
        var type = new Option<string>("--type") { Description = "text, integer, boolean or json", HelpName = "TYPE", DefaultValueFactory = _ => "text" };
        var secret = new Option<bool>("--secret") { Description = "show its values to nobody but the devices that they are for" };
        var description = new Option<string?>("--description") { Description = "what it is for, one line", HelpName = "TEXT" };
        return On(context, new Command("define", "Make a key, or describe it anew.") { key, type, secret, description }, async (access, parsed, cancellation) =>
        {
            var made = await access.DefineAsync(parsed.GetRequiredValue(key), new ConfigurationKeyRequest(parsed.GetRequiredValue(type), parsed.GetValue(secret), parsed.GetValue(description)), cancellation);
            context.Terminal.Out.WriteLine($"{made.Name} {made.Type}{(made.Secret ? ", secret" : "")}");
        });
    }

    private static Command Remove(CommandContext context)
    {
        var key = Key();
        return On(context, new Command("remove", "Remove a key that has no values.") { key }, (access, parsed, cancellation) => access.RemoveAsync(parsed.GetRequiredValue(key), cancellation));
    }

    private static Command Set(CommandContext context)
    {
        var values = new Argument<string[]>("KEY=VALUE") { Description = "values; the process list shows them, so give secrets with --from", Arity = ArgumentArity.ZeroOrMore };
        var from = new Option<string[]>("--from") { Description = "a value as it stands in a file, without a line feed at its end; - for standard input; may be given several times", HelpName = "KEY=FILE" };
        var preview = new Option<bool>("--preview") { Description = "only say how many devices it would reach" };
        var (scope, reason) = (new ScopeOptions(), Reason());
        var command = new Command("set", "Set values of the fleet, a group or a device, all or none.") { values, from, preview, reason };
        scope.AddTo(command);
        return On(context, command, async (access, parsed, cancellation) =>
        {
            var said = new Dictionary<string, string?>(StringComparer.Ordinal);
            foreach (var (key, value) in (parsed.GetValue(values) ?? []).Select(Split))
                Add(said, key, value);
            foreach (var (key, file) in (parsed.GetValue(from) ?? []).Select(Split))
                Add(said, key, await ReadAsync(file, cancellation));
            await ChangeAsync(context, access, scope.Read(parsed), new ConfigurationRequest(said, parsed.GetValue(reason)), parsed.GetValue(preview), cancellation);
        });
    }

    private static Command Unset(CommandContext context)
    {
        var keys = new Argument<string[]>("KEY") { Description = "keys", Arity = ArgumentArity.OneOrMore };
        var preview = new Option<bool>("--preview") { Description = "only say how many devices it would reach" };
        var (scope, reason) = (new ScopeOptions(), Reason());
        var command = new Command("unset", "Take values away: wider ones count again.") { keys, preview, reason };
        scope.AddTo(command);
        return On(context, command, (access, parsed, cancellation) => ChangeAsync(
            context, access, scope.Read(parsed), new ConfigurationRequest(parsed.GetRequiredValue(keys).Distinct().ToDictionary(k => k, _ => (string?)null), parsed.GetValue(reason)), parsed.GetValue(preview), cancellation));
    }

    private static Command Show(CommandContext context)
    {
        var json = CommandContext.Json();
        var scope = new ScopeOptions();
        var command = new Command("show", "Values of the fleet or a group; of a device what counts for it, and where that comes from.") { json };
        scope.AddTo(command);
        return On(context, command, async (access, parsed, cancellation) =>
        {
            var of = scope.Read(parsed);
            if (of is ConfigurationScope.Device device)
                Print(context, parsed.GetValue(json), await access.ShowDeviceAsync(device.Id, cancellation));
            else if (parsed.GetValue(json))
                Print(context, "ctree-server.config/1", await access.ShowAsync(of, cancellation), ProtocolJson.Default.ConfigurationInfo);
            else
            {
                context.Terminal.PrintTable(["KEY", "VALUE", "BY", "TIME", "REASON"],
                    [.. (await access.ShowAsync(of, cancellation)).Values.Select(v => new[] { $"{v.Key}", Text(v.Value, v.Secret), v.By, Printing.Time(v.Time), v.Reason ?? "" })]);
            }
        });
    }

    private static void Print(CommandContext context, bool json, DeviceConfiguration device)
    {
        if (json)
        {
            Print(context, "ctree-server.device-config/1", device, ProtocolJson.Default.DeviceConfiguration);
            return;
        }
        context.Terminal.PrintTable(["KEY", "VALUE", "FROM", "BY", "TIME"],
            [.. device.Values.Select(v => new[] { $"{v.Key}", Text(v.Value, v.Secret), v.Origin ?? "", v.By, Printing.Time(v.Time) })]);
        context.Terminal.Error.WriteLine(device switch
        {
            { Pending: true } => "the device has yet to take this; it does with its next poll",
            { Applied: > 0 } => $"in place there since {device.AppliedAt:u}",
            _ => "nothing was said of the device, and it has nothing",
        });
    }

    private static Command History(CommandContext context)
    {
        var json = CommandContext.Json();
        var limit = new Option<int>("--limit") { Description = $"values to show (default: {Shown})", HelpName = "N", DefaultValueFactory = _ => Shown };
        var scope = new ScopeOptions();
        var command = new Command("history", "What changed, newest first.") { json, limit };
        scope.AddTo(command);
        return On(context, command, async (access, parsed, cancellation) =>
        {
            if (parsed.GetValue(limit) is < 1 or > 1000)
                throw new UsageException("--limit is a number from 1 to 1000");
            var history = await access.HistoryAsync(scope.Read(parsed), parsed.GetValue(limit), cancellation);
            if (parsed.GetValue(json))
                Print(context, "ctree-server.config-history/1", history, ProtocolJson.Default.ConfigurationHistory);
            else
            {
                context.Terminal.PrintTable(["REVISION", "TIME", "BY", "KEY", "BEFORE", "AFTER", "REASON"],
                    [.. history.Changes.Select(c => new[]
                    {
                        $"{c.Revision}", Printing.Time(c.Time), c.By, $"{c.Key}", c.WasSet ? Text(c.Before, c.Secret) : "-", c.IsSet ? Text(c.After, c.Secret) : "-", c.Reason ?? "",
                    })]);
            }
        });
    }

    private static Command Revert(CommandContext context)
    {
        var revision = new Argument<long>("REVISION") { Description = "the change whose values are to be there again, as 'config history' shows it; 0: none" };
        var (scope, reason) = (new ScopeOptions(), Reason());
        var command = new Command("revert", "Bring values back to what they were; secrets stay as they are.") { revision, reason };
        scope.AddTo(command);
        return On(context, command, async (access, parsed, cancellation) =>
            Print(context, await access.RevertAsync(scope.Read(parsed), new ConfigurationRevertRequest(parsed.GetRequiredValue(revision), parsed.GetValue(reason)), cancellation)));
    }

    private static async Task ChangeAsync(
        CommandContext context, ConfigurationAccess access, ConfigurationScope scope, ConfigurationRequest request, bool isPreview, CancellationToken cancellation)
    {
        if (!isPreview)
        {
            Print(context, await access.SetAsync(scope, request, cancellation));
            return;
        }
        var outlook = await access.PreviewAsync(scope, request, cancellation);
        context.Terminal.Out.WriteLine($"{outlook.Changed} of {outlook.Devices} devices would get other values");
    }

    private static void Print(CommandContext context, ConfigurationInfo after)
    {
        context.Terminal.Out.WriteLine($"{after.Scope} revision {after.Revision}");
        foreach (var lost in after.Lost ?? [])
            context.Terminal.Error.WriteLine($"{lost} was set then, and cannot be brought back: set it anew");
    }

    private static void Print<T>(CommandContext context, string schema, T message, JsonTypeInfo<T> type) =>
        context.Terminal.PrintJson(schema, JsonSerializer.SerializeToNode(message, type) as JsonObject ?? []);

    private static string Text(string? value, bool isSecret)
    {
        if (isSecret)
            return "(secret)";
        // A line of a table, and nothing that steers a terminal.
        var line = string.Concat((value ?? "").Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format ? ' ' : c));
        return line.Length <= MaxShownText ? line : $"{line[..MaxShownText]}...";
    }

    private static (string Key, string Value) Split(string text) => text.Split('=', 2) is [var key, var value]
        ? (key, value)
        : throw new UsageException($"'{text}' is not KEY=VALUE");

    private static void Add(Dictionary<string, string?> values, string key, string value)
    {
        if (!values.TryAdd(key, value))
            throw new UsageException($"{key} is given twice");
    }

    private static async Task<string> ReadAsync(string file, CancellationToken cancellation)
    {
        var text = file == "-" ? await Console.In.ReadToEndAsync(cancellation) : await File.ReadAllTextAsync(file, cancellation);
        return text.EndsWith('\n') ? text[..^1] : text;
    }

    private static Option<string?> Reason() => new("--reason") { Description = "why, one line for the history", HelpName = "TEXT" };

    private static Argument<ConfigurationKey> Key() => new("KEY")
    {
        Description = "such as network.ntp_server",
        CustomParser = result => ConfigurationKey.TryParse(result.Tokens[0].Value, out var key)
            ? key
            : CommandContext.Fail<ConfigurationKey>(result, $"'{result.Tokens[0].Value}' is no key: lower-case letters, digits, '_' between words and '.' between names"),
    };

    private static Command On(CommandContext context, Command command, Func<ConfigurationAccess, ParseResult, CancellationToken, Task> run)
    {
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        command.Add(server);
        command.Add(token);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var access = ConfigurationAccess.Open(context, parsed, server, token);
            await run(access, parsed, cancellation);
            return ExitCode.Done;
        });
    }
}
