namespace ContentTree.Store.Deltas.Coding;

/// <summary>Codes the files of one part, each on its old one; what it learns from one it knows in the next.</summary>
internal sealed class ContextEncoder : IDisposable
{
    private readonly StreamModel<BitEncoder, WideContexts>? _wide;
    private readonly StreamModel<BitEncoder, NarrowContexts>? _narrow;

    public ContextEncoder(CoderProfile profile)
    {
        if (profile == CoderProfile.Smallest)
            _wide = new();
        else
            _narrow = new();
        Start();
    }

    /// <summary>Bytes of all tables: a decoder has the same.</summary>
    public long Bytes => _wide?.Bytes ?? _narrow!.Bytes;

    /// <summary>Begins another part with models that know nothing.</summary>
    public void Start()
    {
        _wide?.Start(BitEncoder.Create());
        _narrow?.Start(BitEncoder.Create());
    }

    /// <summary>Adds a file, or a slice of one that begins at <paramref name="newPosition"/> of it.</summary>
    /// <param name="operations">Make exactly the new bytes from the old ones.</param>
    public void Add(BaseBytes old, BaseBytes newBytes, IReadOnlyList<MatchOperation> operations, long newPosition = 0)
    {
        var flow = new Source(newBytes, operations);
        _wide?.Code(old, newPosition, flow);
        _narrow?.Code(old, newPosition, flow);
    }

    /// <summary>The coded part; valid until the next <see cref="Start"/>.</summary>
    public ReadOnlyMemory<byte> Finish() => _wide?.Coder.Finish() ?? _narrow!.Coder.Finish();

    public void Dispose()
    {
        _wide?.Dispose();
        _narrow?.Dispose();
    }

    private sealed class Source(BaseBytes bytes, IReadOnlyList<MatchOperation> operations) : IPieceFlow
    {
        private long _at;
        private int _next;

        public long Length => bytes.Length;

        public MatchOperation Next() => operations[_next++];

        public void Read(Span<byte> target)
        {
            bytes.Read(_at, target);
            _at += target.Length;
        }

        public void Write(ReadOnlySpan<byte> bytes) => throw new NotSupportedException();
    }
}
