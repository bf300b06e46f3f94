using System.Net.Http.Headers;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>One content on its way: the decoder that it runs through, and for a large one its frame as far as it came.</summary>
internal sealed class ObjectTransfer(WantedContent content, SafeFileHandle incoming, TimeProvider clock, Func<FileReceiver> receive) : IDisposable
{
    private readonly string _partName = content.Name.ToString();
    private SparsePart? _part;

    public WantedContent Content => content;

    public FrameSink Sink { get; } = new(content.Name, receive);

    /// <summary>Where the next byte belongs.</summary>
    public long Offset { get; private set; }

    /// <summary>Bytes of the whole frame, if it is kept.</summary>
    public long? FrameLength => _part?.Length;

    public string? Tag(Source source) => _part?.Tag(source.Name);

    /// <summary>Goes on where an earlier run was cut; false when there is nothing to go on with.</summary>
    public bool Resume()
    {
        if (!SparsePart.Exists(incoming, _partName))
            return false;
        _part = new SparsePart(incoming, _partName, clock);
        try
        {
            var buffer = new byte[64 * 1024];
            for (var end = _part.Prefix; Offset < end;)
            {
                var count = _part.Read(Offset, buffer.AsSpan(0, (int)Math.Min(buffer.Length, end - Offset)));
                Sink.Feed(buffer.AsSpan(0, count));
                Offset += count;
            }
        }
        catch (CorruptObjectException)
        {
            StartOver();
        }
        return Offset > 0 && !Sink.HasEnded;
    }

    /// <summary>The frame that begins now is worth keeping.</summary>
    public void KeepFrame(Source source, long length, EntityTagHeaderValue? tag)
    {
        _part ??= new SparsePart(incoming, _partName, clock);
        _part.Start(length);
        _part.SetTag(source.Name, tag is { IsWeak: false } ? tag.ToString() : null);
    }

    public void Take(ReadOnlySpan<byte> piece)
    {
        Sink.Feed(piece);
        _part?.Write(_part.Generation, Offset, piece);
        Offset += piece.Length;
    }

    /// <summary>After a cut: true when it goes on from here, false when it begins anew.</summary>
    public bool KeepWhatCame()
    {
        if (_part is not null && Offset > 0)
            return true;
        StartOver();
        return false;
    }

    /// <summary>Forgets what came.</summary>
    public void StartOver()
    {
        Offset = 0;
        Sink.Restart();
        _part?.Remove();
        _part?.Dispose();
        _part = null;
    }

    /// <exception cref="CorruptObjectException">Size or hash is not the announced one.</exception>
    public void Complete()
    {
        Sink.Complete();
        _part?.Remove();
    }

    public void Dispose()
    {
        Sink.Dispose();
        _part?.Dispose();
    }
}
