namespace ContentTree.Deploy.State;

/// <summary>A head as a source gave it, and what that gave to prove that it is the newest. Nothing of it is believed yet.</summary>
/// <param name="Head">The head file.</param>
/// <param name="Timestamp">The branch's timestamp file, if there was one.</param>
internal sealed record OfferedHead(byte[] Head, byte[]? Timestamp)
{
    /// <summary>
    /// Somebody brought it to the device, which has no network: it need not be fresh, for a stick stays in a pocket longer than a
    /// timestamp lasts, and whoever can plug it in could also take the device away.
    /// </summary>
    public bool IsAtHand { get; init; }

    /// <summary>An assignment that came with it.</summary>
    public byte[]? Assignment { get; init; }
}
