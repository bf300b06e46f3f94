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
internal sealed class DeltaPull : IAsyncDisposable
{
    private const int Rounds = 3;
    private const int FirstBytes = 32 * 1024;

    // Some seconds of a slow link, while header and plan are read and the disk is asked for room.
    private const int AheadBytes = 256 * 1024;
    private const long ManyBytes = 16L * 1024 * 1024;

    // All in all a device gives an update 64 MB: a decoder, and the program with its buffers and the packing of one content.
    private const long AllBytes = 64_000_000;
    private const long MemoryBytes = 32L * 1024 * 1024;
    private const long SpareBytes = 8L * 1024 * 1024;

    private readonly LocalStore _store;
    private readonly StorePull _pull;
    private readonly DeltaName _name;
    private readonly TransferCounters _counters;
    private readonly RangeDownload _download;
    private readonly RebuiltRecord _record;
    private readonly CancellationTokenSource _stop = new();
    private Task _fetching = Task.CompletedTask;
    private long _looked;
    private DeltaApplication? _application;

    public DeltaPull(LocalStore store, StorePull pull, RangeDownload download, TransferCounters counters, SafeFileHandle incoming, DeltaName name, long bytes)
    {
        (_store, _pull, _download, _counters, _name, Bytes) = (store, pull, download, counters, name, bytes);
        _record = new RebuiltRecord(incoming, name);
        _download.Until = 0;
    }

    /// <summary>Length of the file.</summary>
    public long Bytes { get; }

    /// <summary>Bytes still to come.</summary>
    public long BytesLeft => Bytes - _download.PresentBytes;

    /// <summary>What the delta makes; there once <see cref="OpenAsync"/> has returned.</summary>
    public DeltaApplication Application => _application ?? throw new InvalidOperationException("not open yet");

    /// <summary>Fetches the header and the plan and no more than what comes with them.</summary>
    /// <param name="isFollowed">Whether <see cref="RunAsync"/> follows at once: then some more comes meanwhile.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="CorruptDeltaException">It is no delta to the wanted commit, or needs more memory than there is.</exception>
    public async Task OpenAsync(bool isFollowed, CancellationToken cancellation)
    {
        Fetch(Math.Min(Bytes, isFollowed ? AheadBytes : FirstBytes));
        for (var round = 0; _application is null; round++)
        {
            try
            {
                await OpenAsync(cancellation).ConfigureAwait(false);
            }
            catch (CorruptDeltaException e) when (round < Rounds)
            {
                await _fetching.WaitAsync(cancellation).ConfigureAwait(false);
                DistrustStart(e);
            }
        }
    }

    // The next source may have it right; the only one is asked once more.
    private void DistrustStart(CorruptDeltaException why)
    {
        try
        {
            _download.Distrust(0, Math.Max(_looked, Math.Min(Bytes, FirstBytes)));
        }
        catch (StoppedException e)
        {
            throw new CorruptDeltaException(why.Message, e);
        }
    }

    private async Task OpenAsync(CancellationToken cancellation)
    {
        var header = await ReadHeaderAsync(cancellation).ConfigureAwait(false);
        var plan = await ReadAsync(header.Plan.Offset, (int)header.Plan.CodedLength, cancellation).ConfigureAwait(false);
        _application = DeltaApplication.Open(_store, _pull, header, plan);
        _application.Resume(_record.Read());
        Heap.Tidy();
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
        Heap.Tidy();
        var complete = Application.Complete();
        await RemoveAsync().ConfigureAwait(false);
        return complete;
    }

    /// <summary>Fetches no more; what came stays.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _fetching.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    /// <summary>Nothing of the delta's own files stays.</summary>
    public async Task RemoveAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _download.Remove();
        _record.Remove();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _application?.Dispose();
        _record.Dispose();
        _download.Dispose();
        _stop.Dispose();
    }

    // What is on its way comes to its end before more is asked for, so that one download runs at a time.
    private void Fetch(long until)
    {
        _download.Until = Math.Max(_download.Until, until);
        _fetching = AfterAsync(_fetching);

        async Task AfterAsync(Task before)
        {
            await before.ConfigureAwait(false);
            await _download.RunAsync(_stop.Token).ConfigureAwait(false);
        }
    }

    private async Task<DeltaHeader> ReadHeaderAsync(CancellationToken cancellation)
    {
        // Header and plan of an ordinary update come with the first request.
        var first = await ReadAsync(0, (int)Math.Min(Bytes, FirstBytes), cancellation).ConfigureAwait(false);
        var header = DeltaHeader.Decode(await ReadAsync(0, DeltaHeader.LengthOf(first), cancellation).ConfigureAwait(false));
        if (header.From != _name.From || header.To != _name.To || header.FileLength != Bytes)
            throw new CorruptDeltaException("its header says something else than its name and its length");
        if (header.Plan.CodedLength + header.Plan.OutputLength > MemoryBytes)
            throw new CorruptDeltaException($"its plan takes {header.Plan.CodedLength + header.Plan.OutputLength} bytes of memory");
        return header.MemoryKiB <= MemoryBytes / 1024 ? header : throw new CorruptDeltaException($"decoding it takes {header.MemoryKiB} KiB of memory");
    }

    private async Task<byte[]> ReadAsync(long offset, int length, CancellationToken cancellation)
    {
        if (length < 0 || length > Bytes - offset)
            throw new CorruptDeltaException("is shorter than it says");
        _looked = Math.Max(_looked, offset + length);
        Fetch(offset + length);
        await _download.WaitForAsync(offset, offset + length, cancellation).ConfigureAwait(false);
        var bytes = new byte[length];
        using var stream = new DownloadedStream(_download, offset, length);
        stream.ReadExactly(bytes);
        return bytes;
    }

    private async Task<IReadOnlyList<DeltaPart>> FetchAndApplyAsync(CancellationToken cancellation)
    {
        Fetch(Bytes);
        var damaged = new List<DeltaPart>();
        var parts = Enumerable.Range(0, Application.Header.Parts.Count).Where(Application.Needs);
        var options = new ParallelOptions { MaxDegreeOfParallelism = Workers, CancellationToken = cancellation };
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
            Heap.Tidy();
        }).ConfigureAwait(false);
        await _fetching.WaitAsync(cancellation).ConfigureAwait(false);
        return damaged;
    }

    // Side by side only where both fit beside large trees, and there is enough to do for a second decoder.
    private int Workers => Application.Header.Parts.Sum(p => p.OutputLength) >= ManyBytes && Environment.WorkingSet + 2 * Application.PartMemory + SpareBytes <= AllBytes
        ? Math.Min(2, Environment.ProcessorCount)
        : 1;
}
