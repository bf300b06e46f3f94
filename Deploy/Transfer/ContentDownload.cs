using System.Net;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Brings file contents into the store. Small ones are decoded as they stream; the frame of a large one is kept in a
/// <see cref="PartFile"/> as well, so that it goes on after a cut. A wrong content is fetched once more, then it is an error.
/// </summary>
internal sealed class ContentDownload(RepositoryClient repository, StorePull pull, SafeFileHandle incoming, int attempts, TransferCounters counters)
{
    /// <summary>Compressed bytes from which a cut download is worth continuing.</summary>
    public const int LargeBytes = 256 * 1024;

    private const int ProgressBytes = 64 * 1024;

    /// <exception cref="CorruptObjectException">The server's bytes were wrong twice.</exception>
    public async Task RunAsync(WantedContent content, CancellationToken cancellation)
    {
        if (content.Present is not { } present || !TryVariants(content, present, content.Missing))
        {
            try
            {
                await FetchAsync(content, fresh: false, cancellation).ConfigureAwait(false);
            }
            catch (CorruptObjectException)
            {
                await FetchAsync(content, fresh: true, cancellation).ConfigureAwait(false);
            }
            counters.Completed();
            present = new StoredFile(content.Id, content.Missing[0].Digest());
            TryVariants(content, present, content.Missing.Skip(1));
        }
    }

    private bool TryVariants(WantedContent content, StoredFile present, IEnumerable<Metadata> variants)
    {
        try
        {
            foreach (var metadata in variants)
                pull.AddVariant(present, content.Size, metadata);
            return true;
        }
        catch (CorruptObjectException)
        {
            // The local copy is damaged: its content is as good as missing.
            return false;
        }
    }

    private async Task FetchAsync(WantedContent content, bool fresh, CancellationToken cancellation)
    {
        using var sink = new FrameSink(content.Name, () => pull.Receive(content.Id, content.Size, content.Missing[0]));
        var transfer = new Transfer(content, sink, PartFile.TryOpen(incoming, content.Name.ToString()));
        try
        {
            Resume(transfer);
            await FetchRestAsync(transfer, fresh, cancellation).ConfigureAwait(false);
            sink.Complete();
            transfer.Part?.Remove();
        }
        catch (CorruptObjectException)
        {
            transfer.Part?.Remove();
            throw;
        }
        finally
        {
            transfer.Part?.Dispose();
        }
    }

    private void Resume(Transfer transfer)
    {
        if (transfer.Part is not { Length: > 0 } part)
            return;
        part.Replay(transfer.Sink.Feed);
        if (!transfer.Sink.HasEnded)
            counters.Resumed();
    }

    private async Task FetchRestAsync(Transfer transfer, bool fresh, CancellationToken cancellation)
    {
        for (var failures = 0; !transfer.Sink.HasEnded;)
        {
            var before = transfer.Part?.Length ?? 0;
            try
            {
                await StreamAsync(transfer, fresh, cancellation).ConfigureAwait(false);
            }
            catch (ServerUnreachableException e)
            {
                failures = (transfer.Part?.Length ?? 0) >= before + ProgressBytes ? 1 : failures + 1;
                if (failures >= attempts)
                    throw;
                await repository.Backoff.WaitAsync(failures, e.RetryAfter, cancellation).ConfigureAwait(false);
                Prepare(transfer);
            }
        }
    }

    private void Prepare(Transfer transfer)
    {
        if (transfer.Part is { Length: > 0 })
            counters.Resumed();
        else
            transfer.Sink.Restart();
    }

    private async Task StreamAsync(Transfer transfer, bool fresh, CancellationToken cancellation)
    {
        var name = transfer.Content.Name;
        var offset = transfer.Part?.Length ?? 0;
        using var response = await repository.OpenObjectAsync(name, offset, transfer.Part?.Tag, fresh, cancellation).ConfigureAwait(false);
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            throw new CorruptObjectException(name, "the server's copy is shorter than what came before");
        if (offset > 0 && !ContinuesAt(response, offset))
            StartOver(transfer, response);
        else if (transfer.Part is null && response.Content.Headers.ContentLength is null or > LargeBytes)
            transfer.Part = PartFile.Create(incoming, name.ToString(), response.Headers.ETag);
        await repository.Connection.ReadAsync(response, piece => Take(transfer, piece.Span), cancellation).ConfigureAwait(false);
        if (transfer.Sink.HasEnded)
            return;
        // All that was announced has come: the server's own copy is short, and asking for the rest would not help.
        throw response.Content.Headers.ContentLength is null
            ? new ServerUnreachableException($"{repository.Connection.Server}: {name} ended too early")
            : new CorruptObjectException(name, $"{repository.Connection.Server} sent a frame without its end");
    }

    private static bool ContinuesAt(HttpResponseMessage response, long offset) =>
        response.StatusCode == HttpStatusCode.PartialContent && response.Content.Headers.ContentRange?.From == offset;

    private static void StartOver(Transfer transfer, HttpResponseMessage response)
    {
        if (response.StatusCode == HttpStatusCode.PartialContent)
            throw new CorruptObjectException(transfer.Content.Name, "the server sent another range than asked for");
        transfer.Part?.Restart(response.Headers.ETag);
        transfer.Sink.Restart();
    }

    private void Take(Transfer transfer, ReadOnlySpan<byte> piece)
    {
        counters.Received(piece.Length);
        transfer.Part?.Append(piece);
        transfer.Sink.Feed(piece);
    }

    private sealed class Transfer(WantedContent content, FrameSink sink, PartFile? part)
    {
        public WantedContent Content { get; } = content;

        public FrameSink Sink { get; } = sink;

        public PartFile? Part { get; set; } = part;
    }
}
