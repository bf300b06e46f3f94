using System.CommandLine;
using System.Globalization;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary>How a rollout goes, on the command line.</summary>
internal sealed class PlanOptions
{
    private readonly Option<string[]> _wave = new("--wave")
    {
        Description = "a share such as 5%, or devices' ids with commas; one after the other (default: 1%, 10%, 100%)",
        HelpName = "WAVE",
        AllowMultipleArgumentsPerToken = true,
    };

    private readonly Option<string?> _success = new("--success") { Description = "so many of the devices reached must be confirmed before the next wave (default: 90%)", HelpName = "PERCENT" };
    private readonly Option<string?> _soak = new("--soak") { Description = "how long a wave is watched after that, such as 30m (default: 1h)", HelpName = "TIME" };
    private readonly Option<string?> _failures = new("--max-failures") { Description = "stop at so many failed devices: a number or a share (default: 5%, at least one)", HelpName = "N" };
    private readonly Option<string?> _onFailure = new("--on-failure") { Description = "pause or revert (default: pause)", HelpName = "WHAT" };
    private readonly Option<int?> _concurrent = new("--concurrent") { Description = "so many devices update at the same time, at most", HelpName = "N" };
    private readonly Option<string?> _window = new("--window") { Description = "hours, UTC, in which devices begin, such as 22:00-04:00", HelpName = "HOURS" };
    private readonly Option<string?> _approval = new("--approval") { Description = "wait for 'rollout approve' at the start or before each wave: start or each", HelpName = "WHEN" };
    private readonly Option<string?> _patience = new("--patience") { Description = "a device that says nothing for so long is not waited for (default: 1d)", HelpName = "TIME" };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _wave, _success, _soak, _failures, _onFailure, _concurrent, _window, _approval, _patience })
            command.Add(option);
    }

    public RolloutPlan Read(ParseResult parsed)
    {
        var waves = parsed.GetValue(_wave) is { Length: > 0 } given ? given : ["1%", "10%", "100%"];
        return new RolloutPlan(
            [.. waves.Select(Wave)], (int?)Percent("--success", parsed.GetValue(_success)), Seconds("--soak", parsed.GetValue(_soak)), parsed.GetValue(_failures), parsed.GetValue(_onFailure),
            parsed.GetValue(_concurrent), parsed.GetValue(_window), parsed.GetValue(_approval), Seconds("--patience", parsed.GetValue(_patience)));
    }

    private static RolloutWave Wave(string text) => text.EndsWith('%')
        ? new RolloutWave(Percent("--wave", text))
        : new RolloutWave(Devices: [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(KeyId.Parse)]);

    private static double? Percent(string option, string? text) => text is null ? null
        : double.TryParse(text.TrimEnd('%'), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent) && percent is > 0 and <= 100
            ? percent
            : throw new UsageException($"{option} wants a share such as 5%, not '{text}'");

    private static long? Seconds(string option, string? text)
    {
        if (text is null)
            return null;
        var unit = text.Length > 1 ? text[^1] switch { 's' => 1, 'm' => 60, 'h' => 3600, 'd' => 86400, _ => 0 } : 0;
        return unit > 0 && int.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            ? (long)count * unit
            : throw new UsageException($"{option} wants a time such as 30s, 10m, 2h or 1d, not '{text}'");
    }
}
