namespace ContentTree.Store.Trees;

/// <summary>How a directory becomes objects.</summary>
public sealed record ImportOptions
{
    /// <summary>Owner and group recorded for every entry instead of the files' own; null keeps them.</summary>
    public (uint Uid, uint Gid)? Owner { get; init; }

    /// <summary>What an earlier import learned about the same files; null reads every file.</summary>
    public StatCache? Cache { get; init; }

    /// <summary>What the directory says of itself is content like all else, and nothing is done for it: for who builds from it.</summary>
    public bool IsWhole { get; init; }

    /// <summary>Threads that read, hash and compress.</summary>
    public int Workers { get; init; } = Environment.ProcessorCount;
}
