using ContentTree.Store.Codecs;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Transfer;

/// <summary>Decodes a file's LZ4 frame as it arrives and hands the content to the store, in bounded memory.</summary>
internal sealed class FrameSink(ObjectName name, Func<FileReceiver> receive) : IDisposable
{
    private readonly Lz4Decoder _decoder = new();
    private readonly byte[] _content = new byte[64 * 1024];
    private FileReceiver _receiver = receive();

    /// <summary>The frame is whole.</summary>
    public bool HasEnded { get; private set; }

    /// <exception cref="CorruptObjectException">No frame, more than one, or more content than announced.</exception>
    public void Feed(ReadOnlySpan<byte> frame)
    {
        try
        {
            while (true)
            {
                if (HasEnded)
                {
                    if (!frame.IsEmpty)
                        throw new CorruptObjectException(name, "bytes after the end of its frame");
                    return;
                }
                var (consumed, written, ended) = _decoder.Decode(frame, _content);
                _receiver.Write(_content.AsSpan(0, written));
                HasEnded = ended;
                frame = frame[consumed..];
                // A full buffer may mean that the decoder holds more back.
                if (!ended && frame.IsEmpty && written < _content.Length)
                    return;
            }
        }
        catch (FormatException e)
        {
            throw new CorruptObjectException(name, e.Message);
        }
    }

    /// <summary>Forgets what came.</summary>
    public void Restart()
    {
        _decoder.Reset();
        _receiver.Dispose();
        _receiver = receive();
        HasEnded = false;
    }

    /// <exception cref="CorruptObjectException">Size or hash is not the announced one.</exception>
    public void Complete() => _receiver.Complete();

    public void Dispose()
    {
        _receiver.Dispose();
        _decoder.Dispose();
    }
}
