using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>What a device knows about a trial that failed. Sent again, it replaces what was sent.</summary>
/// <param name="Deployment">The deployment that failed, for instance "7-0123abcd".</param>
/// <param name="Text">For people, at most <see cref="MaxText"/> characters.</param>
/// <param name="Commit">Its commit, where the device knows it.</param>
public sealed record BlackBoxRequest(string Deployment, string Text, ObjectId? Commit = null)
{
    /// <summary>Characters in one box, at most.</summary>
    public const int MaxText = 256 << 10;
}
