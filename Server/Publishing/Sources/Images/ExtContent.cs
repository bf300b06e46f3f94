using ContentTree.Store.Codecs;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>A file's content: what stands in the inode, or its runs; zeros wherever there is neither.</summary>
internal sealed class ExtContent(ExtImage image, ReadOnlyMemory<byte> inline, IEnumerable<ExtRun> runs, long size) : ReadOnlyStream
{
    private readonly IEnumerator<ExtRun> _runs = runs.GetEnumerator();
    private ExtRun? _run;
    private bool _started;
    private long _at;

    public override int Read(Span<byte> buffer)
    {
        buffer = buffer[..(int)Math.Min(buffer.Length, size - _at)];
        if (buffer.IsEmpty)
            return 0;
        if (_at < inline.Length)
            return ReadInline(buffer);
        while (!_started || (_run is { } done && End(done) <= _at))
            Next();
        var count = buffer.Length;
        if (_run is { } run && run.Logical * image.BlockSize <= _at)
        {
            count = (int)Math.Min(count, End(run) - _at);
            image.Read(buffer[..count], run, _at - run.Logical * image.BlockSize);
        }
        else
        {
            count = (int)Math.Min(count, (_run is { } later ? later.Logical * image.BlockSize : size) - _at);
            buffer[..count].Clear();
        }
        _at += count;
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _runs.Dispose();
        base.Dispose(disposing);
    }

    private int ReadInline(Span<byte> buffer)
    {
        var piece = inline.Span[(int)_at..];
        piece = piece[..Math.Min(piece.Length, buffer.Length)];
        piece.CopyTo(buffer);
        _at += piece.Length;
        return piece.Length;
    }

    private void Next()
    {
        _started = true;
        _run = _runs.MoveNext() ? _runs.Current : null;
        // Blocks behind the end are nobody's business.
        if (_run is { } run && run.Logical * image.BlockSize < size)
            image.Spend(run.Count);
    }

    private long End(in ExtRun run) => (run.Logical + run.Count) * image.BlockSize;
}
