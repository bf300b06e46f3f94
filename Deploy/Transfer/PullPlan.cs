using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Transfer;

/// <summary>What it takes to have a commit: made before the first content byte.</summary>
/// <param name="Id">The commit.</param>
/// <param name="Commit">What it says.</param>
/// <param name="Encoded">Its bytes.</param>
/// <param name="Contents">What is missing, in order of ids.</param>
/// <param name="Needs">What download and deployment together take.</param>
/// <param name="Root">The root tree for <paramref name="Read"/>.</param>
/// <param name="Read">Reads its trees. What a delta will make has ids of its own there, and sizes that nobody signed.</param>
internal sealed record PullPlan(
    ObjectId Id, Commit Commit, byte[] Encoded, IReadOnlyList<WantedContent> Contents, SpaceNeeds Needs, ObjectId Root, Func<ObjectId, Tree> Read)
{
    /// <summary>The delta that brings everything; null when contents are fetched as they are.</summary>
    public DeltaPull? Delta { get; init; }

    /// <summary>Contents that cross the network; with a delta, those that it rebuilds.</summary>
    public int Fetches => Delta?.Application.Contents.Count() ?? Contents.Count(c => c.Present is null);

    /// <summary>Whether <see cref="FetchBytes"/> is what will cross the network, and not only a bound for it.</summary>
    public bool IsExact => Delta is not null;

    /// <summary>
    /// With a delta, its bytes that are still to come. Otherwise the contents' uncompressed size: an upper bound for what crosses the
    /// network, whose compressed size only the server knows.
    /// </summary>
    public long FetchBytes => Delta?.BytesLeft ?? Contents.Where(c => c.Present is null).Sum(c => c.Size);
}
