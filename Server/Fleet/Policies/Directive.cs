using ContentTree.Store.Objects;

namespace ContentTree.Server.Fleet.Policies;

/// <summary>What everything that was said comes to for one device.</summary>
internal abstract record Directive
{
    private Directive()
    {
    }

    /// <summary>The head of its branch.</summary>
    public sealed record Follow : Directive;

    /// <summary>This commit, which the branch had at this position.</summary>
    public sealed record Run(ObjectId Commit, long Sequence) : Directive;

    /// <summary>What it runs.</summary>
    public sealed record Hold : Directive;
}
