using ContentTree.Store.Local;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>Room on the store's filesystem.</summary>
/// <param name="Bytes">Bytes in whole blocks.</param>
/// <param name="Inodes">Files and directories.</param>
internal sealed record SpaceNeeds(long Bytes, long Inodes)
{
    /// <summary>Bytes in a block.</summary>
    public const long Block = 4096;

    public static SpaceNeeds None { get; } = new(0, 0);

    public SpaceNeeds PlusFile(long size) => new(Bytes + (size + Block - 1) / Block * Block, Inodes + 1);

    public SpaceNeeds Plus(SpaceNeeds more) => new(Bytes + more.Bytes, Inodes + more.Inodes);

    /// <summary>Whether it fits while <paramref name="minFree"/> bytes stay free.</summary>
    public bool Fits(LocalStore store, long minFree)
    {
        var (bytes, inodes) = store.FreeSpace();
        return Bytes <= bytes - minFree && Inodes <= inodes;
    }

    /// <exception cref="StoppedException">It does not fit while <paramref name="minFree"/> bytes stay free.</exception>
    public void Require(LocalStore store, long minFree, string what)
    {
        var (bytes, inodes) = store.FreeSpace();
        if (Bytes > bytes - minFree)
        {
            throw new StoppedException(ExitCode.NoSpace,
                $"{what} needs {Sizes.Text(Bytes)} on {store.Path}, and {Sizes.Text(bytes)} are free ({Sizes.Text(minFree)} are to stay free); " +
                "'ctree gc' removes old deployments");
        }
        if (Inodes > inodes)
            throw new StoppedException(ExitCode.NoSpace, $"{what} needs {Inodes} inodes on {store.Path}, and {inodes} are free");
    }
}
