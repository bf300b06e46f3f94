using System.Globalization;
using ContentTree.Server.Commands;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>A rollout as a form asks for it, to be read and to be asked about once more.</summary>
internal static class RolloutForm
{
    private const int MaxText = 20_000;

    /// <summary>The fields beside those that every form has.</summary>
    public static IReadOnlyList<string> Fields { get; } = ["scope", "commit", "waves", "success", "soak", "max-failures", "on-failure", "concurrent", "window", "approval", "patience", "reason"];

    /// <exception cref="FormatException">A field is none.</exception>
    /// <exception cref="UsageException">A share or a time is none.</exception>
    public static RolloutRequest Read(IFormCollection form)
    {
        string? Field(string name) => form[name].ToString().Trim() is { Length: > 0 } text ? text.Length <= MaxText ? text : throw new FormatException($"{name} is too long") : null;
        var waves = (Field("waves") ?? throw new FormatException("a rollout has at least one wave")).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var plan = new RolloutPlan(
            [.. waves.Select(wave => PlanText.Wave("a wave", wave))], (int?)PlanText.Percent("success", Field("success")), PlanText.Seconds("soak", Field("soak")), Field("max-failures"), Field("on-failure"),
            Concurrent(Field("concurrent")), Field("window"), Field("approval"), PlanText.Seconds("patience", Field("patience")));
        return new RolloutRequest(Field("scope") ?? throw new FormatException("choose a group or a branch"), Field("commit") ?? throw new FormatException("name a commit"), plan, Field("reason"));
    }

    private static int? Concurrent(string? text) => text is null ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : throw new FormatException($"at the same time update a number of devices, not '{text}'");
}
