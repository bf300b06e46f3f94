using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Transfer;

/// <summary>Trees out of packs: gathered whole, then handed over one by one.</summary>
/// <param name="counters">Told of each tree.</param>
/// <param name="add">Takes the tree at a place of the request; throws when the bytes are another one's.</param>
internal sealed class TreePack(TransferCounters counters, Action<int, byte[]> add) : IPackSink
{
    private readonly MemoryStream _bytes = new();
    private bool _isTooLarge;

    public long Held(int index) => 0;

    public void Begin(int index, long length)
    {
        _isTooLarge = length > Tree.MaxEncodedBytes;
        _bytes.SetLength(0);
    }

    public void Write(ReadOnlySpan<byte> content)
    {
        if (!_isTooLarge)
            _bytes.Write(content);
    }

    public void Complete(int index)
    {
        try
        {
            if (_isTooLarge)
                return;
            add(index, _bytes.ToArray());
            counters.Completed();
        }
        catch (CorruptObjectException)
        {
            // It is asked for alone, also of other sources.
        }
    }

    public void Missing(int index)
    {
    }

    public void Dispose() => _bytes.Dispose();
}
