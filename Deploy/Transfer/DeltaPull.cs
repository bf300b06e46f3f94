using ContentTree.Store;
using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Application;
using ContentTree.Store.Local;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Brings a commit into the store by a delta: its parts are applied while later ones still come, and whatever was rebuilt stays,
/// whatever becomes of the rest.
/// </summary>
internal sealed class DeltaPull : IDisposable
{
    private const int Rounds = 3;
    private const int FirstBytes = 32 * 1024;
    private const long ManyBytes = 1024 * 1024;

    // The program, its buffers and the packing of one content come on top: all in all a device gives an update 64 MB.
    private const long MemoryBytes = 32L * 1024 * 1024;

    private readonly LocalStore _store;
    private readonly StorePull _pull;
    private readonly DeltaName _name;
    private readonly TransferCounters _counters;
    private readonly RangeDownload _download;
    private readonly RebuiltRecord _record;
    private DeltaApplication? _application;

    public DeltaPull(LocalStore store, StorePull pull, RangeDownload download, TransferCounters counters, SafeFileHandle incoming, DeltaName name, long bytes)
    {
        (_store, _pull, _download, _counters, _name, Bytes) = (store, pull, download, counters, name, bytes);
        _record = new RebuiltRecord(incoming, name);
    }

    /// <summary>Length of the file.</summary>
    public long Bytes { get; }

    /// <summary>Bytes still to come.</summary>
    public long BytesLeft => Bytes - _download.PresentBytes;

    /// <summary>What the delta makes; there once <see cref="OpenAsync"/> has returned.</summary>
    public DeltaApplication Application => _application ?? throw new InvalidOperationException("not open yet");

    /// <summary>Fetches the header and the plan and no more than what comes with them.</summary>
    /// <exception cref="CorruptDeltaException">It is no delta to the wanted commit, or needs more memory than there is.</exception>
    public async Task OpenAsync(CancellationToken cancellation)
    {
        var header = await ReadHeaderAsync(cancellation).ConfigureAwait(false);
        var plan = await ReadAsync(header.Plan.Offset, (int)header.Plan.CodedLength, cancellation).ConfigureAwait(false);
        _application = DeltaApplication.Open(_store, _pull, header, plan);
        _application.Resume(_record.Read());
        Tidy();
        _application.OnContent = (content, id) =>
        {
            _record.Add(content, id);
            _counters.Completed();
        };
    }

    /// <summary>Fetches and applies what is left.</summary>
    /// <returns>The commit; null when some content must be fetched as it is, because packing it made something else here.</returns>
    /// <exception cref="CorruptDeltaException">The delta is false: nothing of it is in the store but contents under their own hashes.</exception>
    public async Task<CompleteCommit?> RunAsync(CancellationToken cancellation)
    {
        for (var round = 0; ; round++)
        {
            var damaged = await FetchAndApplyAsync(cancellation).ConfigureAwait(false);
            if (damaged.Count == 0)
                break;
            if (round == Rounds)
                throw new CorruptDeltaException("came damaged again and again");
            foreach (var part in damaged)
                _download.Distrust(part.Offset, part.Offset + part.CodedLength);
        }
        if (Application.IsIncomplete)
            return null;
        Tidy();
        var complete = Application.Complete();
        Remove();
        return complete;
    }

    /// <summary>Nothing of the delta's own files stays.</summary>
    public void Remove()
    {
        _download.Remove();
        _record.Remove();
    }

    public void Dispose()
    {
        _application?.Dispose();
        _record.Dispose();
        _download.Dispose();
    }

    private async Task<DeltaHeader> ReadHeaderAsync(CancellationToken cancellation)
    {
        // Header and plan of an ordinary update come with the first request.
        var first = await ReadAsync(0, (int)Math.Min(Bytes, FirstBytes), cancellation).ConfigureAwait(false);
        var header = DeltaHeader.Decode(await ReadAsync(0, DeltaHeader.LengthOf(first), cancellation).ConfigureAwait(false));
        if (header.From != _name.From || header.To != _name.To || header.FileLength != Bytes)
            throw new CorruptDeltaException("its header says something else than its name and its length");
        return header.MemoryKiB <= MemoryBytes / 1024 ? header : throw new CorruptDeltaException($"decoding it takes {header.MemoryKiB} KiB of memory");
    }

    private async Task<byte[]> ReadAsync(long offset, int length, CancellationToken cancellation)
    {
        if (length < 0 || length > Bytes - offset)
            throw new CorruptDeltaException("is shorter than it says");
        _download.Until = Math.Max(offset + length, Math.Min(Bytes, FirstBytes));
        await _download.RunAsync(cancellation).ConfigureAwait(false);
        var bytes = new byte[length];
        using var stream = new DownloadedStream(_download, offset, length);
        stream.ReadExactly(bytes);
        return bytes;
    }

    private async Task<IReadOnlyList<DeltaPart>> FetchAndApplyAsync(CancellationToken cancellation)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        _download.Until = long.MaxValue;
        var fetching = _download.RunAsync(stop.Token);
        var damaged = new List<DeltaPart>();
        try
        {
            var parts = Enumerable.Range(0, Application.Header.Parts.Count).Where(Application.Needs);
            var options = new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = stop.Token };
            await Parallel.ForEachAsync(parts, options, async (part, token) =>
            {
                var where = Application.Header.Parts[part];
                await _download.WaitForAsync(where.Offset, where.Offset + where.CodedLength, token).ConfigureAwait(false);
                using var coded = new DownloadedStream(_download, where.Offset, where.CodedLength);
                if (!Application.IsIntact(part, coded))
                {
                    lock (damaged)
                        damaged.Add(where);
                    return;
                }
                Application.Apply(part, coded, token);
                Tidy();
            }).ConfigureAwait(false);
            await fetching.ConfigureAwait(false);
            return damaged;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await fetching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // On a small board what a step has left behind is needed for the next one; left alone the collector would wait for tens of megabytes.
    private static void Tidy() => GC.Collect();

    // Side by side only where both fit and there is enough to do for a second decoder.
    private int Workers => Bytes >= ManyBytes && Application.Header.MemoryKiB * 2L * 1024 <= MemoryBytes ? Math.Min(2, Environment.ProcessorCount) : 1;
}
