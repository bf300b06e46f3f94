using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Sources;

/// <summary>Where a tree came from, as its commit records it.</summary>
/// <param name="Source">Kind, address, revision.</param>
internal sealed record Provenance(CommitSource Source)
{
    /// <summary>What the source says changed; used where whoever publishes says nothing.</summary>
    public string Subject { get; init; } = "";

    /// <summary>Who made the revision; empty where the source does not know.</summary>
    public string Author { get; init; } = "";

    /// <summary>More about what changed, any number of lines.</summary>
    public string Body { get; init; } = "";

    /// <summary>The version that the source gives itself; used where whoever publishes says none.</summary>
    public string Version { get; init; } = "";

    /// <summary>When the revision was made, as commits write times; empty where the source does not know.</summary>
    public string Created { get; init; } = "";
}
