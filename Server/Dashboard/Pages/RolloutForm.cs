using ContentTree.Server.Commands;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Dashboard.Pages;

/// <summary>A rollout as a form asks for it, to be read and to be asked about once more.</summary>
internal static class RolloutForm
{
    private const int MaxText = 1000;

    /// <summary>The fields beside those that every form has.</summary>
    public static IReadOnlyList<string> Fields { get; } = ["scope", "commit", .. PlanForm.Fields, "reason"];

    /// <exception cref="FormatException">A field is none.</exception>
    /// <exception cref="UsageException">A share or a time is none.</exception>
    public static RolloutRequest Read(IFormCollection form)
    {
        string? Field(string name) => form[name].ToString().Trim() is { Length: > 0 } text ? text.Length <= MaxText ? text : throw new FormatException($"{name} is too long") : null;
        var typed = PlanForm.Typed(form);
        var plan = PlanForm.Fields.Aggregate(new RolloutPlan([]), (plan, name) => PlanForm.With(plan, name, typed[name]));
        return new RolloutRequest(Field("scope") ?? throw new FormatException("choose a group or a branch"), Field("commit") ?? throw new FormatException("name a commit"), plan, Field("reason"));
    }
}
