using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>How a device does, as it said last, beside what it should run: two words and one sentence for people.</summary>
internal sealed record Condition(ObjectId? Running, ObjectId? Wanted, ObjectId? Failed, bool IsHeld, string Boot, long Sequence, DateTimeOffset? LastSeen, long Trouble)
{
    public const string InSync = "in-sync";
    public const string FellBack = "fell-back";
    public const string Silent = "silent";

    /// <summary>Null before it has polled, or when it should run nothing.</summary>
    public string? Sync(Decision decision, BranchPoint? newest) =>
        LastSeen is null || decision.Target is not { } target ? null
        : newest is not null && Sequence > newest.Sequence ? "ahead"
        : decision.Directive is Directive.Hold ? "held"
        : Running == target ? InSync
        : Failed == target ? FellBack
        : IsHeld ? "held"
        : Wanted == target ? "updating"
        : "behind";

    /// <summary>Null before it has polled. Silence is told when somebody looks.</summary>
    public string? Health(Decision decision) =>
        LastSeen is null ? null
        : Boot == "trial" ? "trial"
        : Boot == "fallback" || (Failed is not null && Failed == decision.Target) ? FellBack
        : Trouble != 0 ? "failed"
        : "ok";

    public string Why(Decision decision, BranchPoint? newest, string? trouble) => Sync(decision, newest) switch
    {
        null => LastSeen is null ? "it has not polled yet" : "nothing was published for it yet",
        InSync => decision.IsHop ? "it runs a barrier on its way" : "it runs what it should",
        FellBack => "it fell back from what it should run, and waits for another commit",
        "ahead" => "it has seen a later position of its branch than this server has: publish, and it goes on",
        "held" when decision.IsHop => "a barrier failed here, and is not passed over: publish another one, or 'ctree allow' it there",
        "held" when decision.Directive is Directive.Hold => "it stays at what it runs",
        "held" => "somebody holds its updates on the device; 'ctree release' there ends it",
        "updating" => "the new tree is deployed, and waits for its next boot",
        _ when Trouble != 0 && trouble is { Length: > 0 } => $"its last try failed: {trouble}",
        _ => decision.IsHop ? "it has a barrier to run on its way" : "it has not taken it yet",
    };
}
