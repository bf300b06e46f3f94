namespace ContentTree.Store.Protocol;

/// <summary>Removes what no kept head and no device needs, or says what would go.</summary>
/// <param name="Keep">Heads of each branch to keep, newest first; absent leaves it to the server.</param>
/// <param name="Roots">Also keeps these: a branch, a commit's id or its first digits.</param>
/// <param name="GraceHours">For which an unneeded object stays; 24 where absent.</param>
/// <param name="DryRun">Removes nothing.</param>
public sealed record GarbageRequest(int? Keep = null, IReadOnlyList<string>? Roots = null, int? GraceHours = null, bool DryRun = false)
{
    /// <summary>The longest time that may be asked for.</summary>
    public const int MaxGraceHours = 10 * 366 * 24;

    /// <summary>Most commits that may be named.</summary>
    public const int MaxRoots = 100;

    /// <summary>Longer than any remote publish takes.</summary>
    public const int DefaultGraceHours = 24;
}
