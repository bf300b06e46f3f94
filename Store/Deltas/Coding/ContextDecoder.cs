namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Decodes what <see cref="ContextEncoder"/> coded, in bounded memory. Every byte of the input may be hostile: it ends
/// in the declared number of bytes or in <see cref="CorruptDeltaException"/>.
/// </summary>
internal sealed class ContextDecoder : IDisposable
{
    private readonly StreamModel<BitDecoder, WideContexts>? _wide;
    private readonly StreamModel<BitDecoder, NarrowContexts>? _narrow;

    public ContextDecoder(CoderProfile profile)
    {
        if (profile == CoderProfile.Smallest)
            _wide = new();
        else
            _narrow = new();
    }

    /// <summary>Begins a part; the models know nothing again.</summary>
    public void Start(Stream coded)
    {
        _wide?.Start(new BitDecoder(coded));
        _narrow?.Start(new BitDecoder(coded));
    }

    /// <summary>Decodes the next file of the part, or a slice of one that begins at <paramref name="newPosition"/> of it.</summary>
    public void Decode(BaseBytes old, long newLength, Stream output, long newPosition = 0)
    {
        var flow = new Target(newLength, output);
        _wide?.Code(old, newPosition, flow);
        _narrow?.Code(old, newPosition, flow);
    }

    /// <summary>After the last file: refuses bytes that no decision needed.</summary>
    public void Finish()
    {
        _wide?.Coder.CheckEnd();
        _narrow?.Coder.CheckEnd();
    }

    /// <summary>Bytes of all tables.</summary>
    public long Bytes => _wide?.Bytes ?? _narrow!.Bytes;

    public void Dispose()
    {
        _wide?.Dispose();
        _narrow?.Dispose();
    }

    private sealed class Target(long length, Stream output) : IPieceFlow
    {
        public long Length => length;

        public MatchOperation Next() => throw new NotSupportedException();

        public void Read(Span<byte> target) => throw new NotSupportedException();

        public void Write(ReadOnlySpan<byte> bytes) => output.Write(bytes);
    }
}
