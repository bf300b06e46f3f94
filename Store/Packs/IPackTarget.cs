namespace ContentTree.Store.Packs;

/// <summary>Takes the objects of a pack as they come, in the order of the request. Nothing in them is proved yet.</summary>
public interface IPackTarget
{
    /// <summary>An object begins.</summary>
    /// <param name="index">Its place in the request.</param>
    /// <param name="length">Bytes that follow: the whole, or for the first one the rest behind the request's offset.</param>
    /// <exception cref="CorruptPackException">It cannot have that length.</exception>
    void Begin(int index, long length);

    /// <summary>Its next bytes.</summary>
    void Write(ReadOnlySpan<byte> content);

    /// <summary>All announced bytes have come.</summary>
    void Complete(int index);

    /// <summary>The server cannot give this one.</summary>
    void Missing(int index);
}
