using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Packs;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Contents out of packs, straight into the store. One that is cut stays open for the rest, and a large one also outlives this run. One
/// that is missing or wrong does not arrive and nothing else is lost.
/// </summary>
internal sealed class ContentPack(IReadOnlyList<WantedContent> wanted, StorePull pull, TransferCounters counters) : IPackSink
{
    // Less than this is sooner fetched again than written and hashed twice.
    public const int LargeBytes = 64 * 1024;

    private readonly HashSet<ObjectId> _arrived = [];
    private FileReceiver? _receiver;
    private int _open = -1;

    /// <summary>Contents that the store has now, in every variant wanted.</summary>
    public IReadOnlySet<ObjectId> Arrived => _arrived;

    public long Held(int index)
    {
        if (_open != index && pull.HasPart(wanted[index].Id, wanted[index].Missing[0]))
            Open(index);
        return _open == index ? _receiver!.Received : 0;
    }

    public void Begin(int index, long length)
    {
        if (_open != index)
            Open(index);
        if (_receiver!.Remaining == length)
            return;
        Close();
        throw new CorruptPackException($"{wanted[index].Name} would have another size");
    }

    public void Write(ReadOnlySpan<byte> content) => _receiver!.Write(content);

    public void Complete(int index)
    {
        var content = wanted[index];
        try
        {
            _receiver!.Complete();
            var present = new StoredFile(content.Id, content.Missing[0].Digest());
            foreach (var metadata in content.Missing.Skip(1))
                pull.AddVariant(present, content.Size, metadata);
            _arrived.Add(content.Id);
            counters.Completed();
        }
        catch (CorruptObjectException)
        {
            // It is asked for alone, also of other sources.
        }
        finally
        {
            Close();
        }
    }

    public void Missing(int index) => Close();

    public void Dispose() => Close();

    private void Open(int index)
    {
        Close();
        var content = wanted[index];
        _receiver = content.Size < LargeBytes
            ? pull.Receive(content.Id, content.Size, content.Missing[0])
            : pull.ReceivePart(content.Id, content.Size, content.Missing[0]);
        _open = index;
    }

    private void Close()
    {
        _receiver?.Dispose();
        _receiver = null;
        _open = -1;
    }
}
