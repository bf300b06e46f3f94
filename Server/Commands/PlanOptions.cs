using System.CommandLine;
using ContentTree.Store.Protocol;

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
            [.. waves.Select(wave => PlanText.Wave("--wave", wave))], (int?)PlanText.Percent("--success", parsed.GetValue(_success)), PlanText.Seconds("--soak", parsed.GetValue(_soak)), parsed.GetValue(_failures), parsed.GetValue(_onFailure),
            parsed.GetValue(_concurrent), parsed.GetValue(_window), parsed.GetValue(_approval), PlanText.Seconds("--patience", parsed.GetValue(_patience)));
    }
}
