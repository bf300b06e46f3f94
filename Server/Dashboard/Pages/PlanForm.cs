using System.Globalization;
using ContentTree.Server.Commands;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>A plan as a form asks for it: field by field, so that what is wrong stands beside the field that it is wrong in.</summary>
internal static class PlanForm
{
    private const int MaxText = 20_000;

    private static readonly RolloutPlan Plain = new([new RolloutWave(100)]);

    public static IReadOnlyList<string> Fields { get; } = ["waves", "success", "soak", "max-failures", "on-failure", "concurrent", "window", "approval", "patience"];

    /// <summary>What stands in the fields of a new one.</summary>
    public static IReadOnlyDictionary<string, string> Usual { get; } =
        new Dictionary<string, string> { ["waves"] = "1%\n10%\n100%", ["success"] = "90%", ["soak"] = "1h", ["max-failures"] = "5%", ["on-failure"] = "pause", ["patience"] = "1d" };

    /// <summary>What people typed.</summary>
    public static IReadOnlyDictionary<string, string> Typed(IFormCollection form) => Fields.ToDictionary(name => name, name => form[name].ToString().Trim());

    /// <summary>A plan's fields as people would type them.</summary>
    public static IReadOnlyDictionary<string, string> Of(RolloutPlan plan) => new Dictionary<string, string>
    {
        ["waves"] = string.Join('\n', plan.Waves.Select(wave => wave.Percent is { } share ? $"{share.ToString(CultureInfo.InvariantCulture)}%" : string.Join(", ", wave.Devices ?? []))),
        ["success"] = plan.Success is { } success ? $"{success}%" : Usual["success"],
        ["soak"] = plan.Soak is { } soak ? Time(soak) : Usual["soak"],
        ["max-failures"] = plan.MaxFailures ?? Usual["max-failures"],
        ["on-failure"] = plan.OnFailure ?? "pause",
        ["concurrent"] = $"{plan.Concurrent}",
        ["window"] = plan.Window ?? "",
        ["approval"] = plan.Approval ?? "",
        ["patience"] = plan.Patience is { } patience ? Time(patience) : Usual["patience"],
    };

    /// <summary>The plan, and what is wrong by field; with anything wrong there is none.</summary>
    public static (RolloutPlan? Plan, IReadOnlyDictionary<string, string> Problems) Check(IReadOnlyDictionary<string, string> typed)
    {
        var (plan, problems) = (Plain, new Dictionary<string, string>());
        foreach (var name in Fields)
        {
            try
            {
                // Each with nothing else said: the message is about this one.
                _ = new Plan(With(Plain, name, typed[name]));
                plan = With(plan, name, typed[name]);
            }
            catch (Exception e) when (e is FormatException or UsageException)
            {
                problems[name] = e.Message;
            }
        }
        return (problems.Count == 0 ? plan : null, problems);
    }

    /// <summary>A plan with one field as it was typed; an empty one has its usual value.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    /// <exception cref="UsageException">A share or a time is none.</exception>
    public static RolloutPlan With(RolloutPlan plan, string name, string text)
    {
        if (text.Length > MaxText)
            throw new FormatException($"{name} is too long");
        var said = text.Length > 0 ? text : null;
        return name switch
        {
            "waves" => plan with { Waves = Waves(text) },
            "success" => plan with { Success = (int?)PlanText.Percent(name, said) },
            "soak" => plan with { Soak = PlanText.Seconds(name, said) },
            "max-failures" => plan with { MaxFailures = said },
            "on-failure" => plan with { OnFailure = said },
            "concurrent" => plan with { Concurrent = Concurrent(said) },
            "window" => plan with { Window = said },
            "approval" => plan with { Approval = said },
            _ => plan with { Patience = PlanText.Seconds(name, said) },
        };
    }

    private static RolloutWave[] Waves(string text) => text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries) is { Length: > 0 } lines
        ? [.. lines.Select(line => PlanText.Wave("a wave", line))]
        : throw new FormatException("a rollout has at least one wave");

    private static int? Concurrent(string? text) => text is null ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : throw new FormatException($"at the same time update a number of devices, not '{text}'");

    private static string Time(long seconds) => seconds switch
    {
        > 0 when seconds % 86400 == 0 => $"{seconds / 86400}d",
        > 0 when seconds % 3600 == 0 => $"{seconds / 3600}h",
        > 0 when seconds % 60 == 0 => $"{seconds / 60}m",
        _ => $"{seconds}s",
    };
}
