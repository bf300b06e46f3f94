namespace ContentTree.Store.Trust;

/// <summary>Who may sign a kind of statement: any <paramref name="Threshold"/> of these keys together.</summary>
/// <param name="KeyIds">Sorted, each once.</param>
/// <param name="Threshold">At least 1, at most the number of keys.</param>
public sealed record Role(IReadOnlyList<KeyId> KeyIds, int Threshold)
{
    /// <summary>Of the composition role: the branches it may move, as the beginnings of their names, each with '/' at its end.</summary>
    public IReadOnlyList<string> Branches { get; init; } = [];

    /// <summary>Signs roots.</summary>
    public const string Root = "root";

    /// <summary>Signs branch heads.</summary>
    public const string Release = "release";

    /// <summary>Signs timestamps: which head is the newest, now. A root without it asks for none.</summary>
    public const string Timestamp = "timestamp";

    /// <summary>Signs heads of composed branches, to commits that are made of released parts.</summary>
    public const string Composition = "composition";

    /// <summary>Signs heads below <see cref="DeveloperBranches"/>, which only devices take that were told on the spot to take this key's.</summary>
    public const string Developer = "developer";

    /// <summary>How the branches begin that developer keys may move.</summary>
    public const string DeveloperBranches = "dev/";

    /// <summary>Signs assignments, what single devices do other than to follow their branch, and their configuration.</summary>
    public const string Fleet = "fleet";
}
