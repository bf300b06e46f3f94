using System.Net;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Brings file contents into the store. Small ones are decoded as they stream; the frame of a large one is kept in a
/// <see cref="SparsePart"/> as well, so that it goes on after a cut. A wrong content is fetched from the next source, or once more.
/// </summary>
internal sealed class ContentDownload(RepositoryClient repository, StorePull pull, SafeFileHandle incoming, TransferCounters counters, TimeProvider clock)
{
    /// <summary>Compressed bytes from which a cut download is worth continuing.</summary>
    public const int LargeBytes = 256 * 1024;

    /// <summary>Whether some of it came before; it goes on from there, and nowhere else.</summary>
    public bool HasPart(WantedContent content) => LargestFrame(content.Size) > LargeBytes && SparsePart.Exists(incoming, content.Name.ToString());

    /// <summary>Takes from a mirror what is not here with other metadata.</summary>
    /// <returns>Whether it is here now.</returns>
    public async Task<bool> TryMirrorsAsync(WantedContent content, MirrorPass mirrors, CancellationToken cancellation)
    {
        if (content.Present is not null)
            return false;
        using var transfer = Begin(content);
        if (!await mirrors.TryAsync(source => TransferAsync(source, transfer, fresh: false, cancellation), () => transfer.Offset, cancellation).ConfigureAwait(false))
            return false;
        Finish(content);
        return true;
    }

    /// <exception cref="CorruptObjectException">Every source's bytes were wrong.</exception>
    public async Task RunAsync(WantedContent content, CancellationToken cancellation)
    {
        if (content.Present is not { } present || !TryVariants(content, present, content.Missing))
        {
            using var transfer = Begin(content);
            await repository.Sources.AskAsync(async (source, fresh) =>
            {
                await TransferAsync(source, transfer, fresh, cancellation).ConfigureAwait(false);
                return true;
            }, () => transfer.Offset, cancellation).ConfigureAwait(false);
            Finish(content);
        }
    }

    private void Finish(WantedContent content)
    {
        counters.Completed();
        TryVariants(content, new StoredFile(content.Id, content.Missing[0].Digest()), content.Missing.Skip(1));
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

    private ObjectTransfer Begin(WantedContent content)
    {
        var transfer = new ObjectTransfer(content, incoming, clock, () => pull.Receive(content.Id, content.Size, content.Missing[0]));
        if (transfer.Resume())
            counters.Resumed();
        return transfer;
    }

    private async Task TransferAsync(Source source, ObjectTransfer transfer, bool fresh, CancellationToken cancellation)
    {
        try
        {
            if (!transfer.Sink.HasEnded)
                await StreamAsync(source, transfer, fresh, cancellation).ConfigureAwait(false);
            transfer.Complete();
        }
        catch (CorruptObjectException)
        {
            transfer.StartOver();
            throw;
        }
        catch (ServerUnreachableException)
        {
            if (transfer.KeepWhatCame())
                counters.Resumed();
            throw;
        }
    }

    private async Task StreamAsync(Source source, ObjectTransfer transfer, bool fresh, CancellationToken cancellation)
    {
        var name = transfer.Content.Name;
        using var response = await OpenAsync(source, transfer, fresh, cancellation).ConfigureAwait(false);
        var offset = transfer.Offset;
        var headers = response.Content.Headers;
        if (headers.ContentLength + offset > LargestFrame(transfer.Content.Size))
            throw new CorruptObjectException(name, $"{source.Name} announces more bytes than it can take");
        if (response.StatusCode == HttpStatusCode.RequestedRangeNotSatisfiable)
            throw new CorruptObjectException(name, "the server's copy is shorter than what came before");
        if (offset > 0 && response.StatusCode != HttpStatusCode.PartialContent)
            transfer.StartOver();
        else if (offset > 0 && (headers.ContentRange?.From != offset || headers.ContentRange.Length != transfer.FrameLength))
            throw new CorruptObjectException(name, "the server sent another range than asked for");
        if (transfer.Offset == 0 && headers.ContentLength is > LargeBytes and var length)
            transfer.KeepFrame(source, length, response.Headers.ETag);
        await source.ReadAsync(response, piece =>
        {
            counters.Received(piece.Length);
            transfer.Take(piece.Span);
        }, cancellation).ConfigureAwait(false);
        if (transfer.Sink.HasEnded)
            return;
        // All that was announced has come: the server's own copy is short, and asking for the rest would not help.
        throw headers.ContentLength is null
            ? new ServerUnreachableException($"{source.Name}: {name} ended too early")
            : new CorruptObjectException(name, $"{source.Name} sent a frame without its end");
    }

    // A frame may be a little larger than what it holds.
    private static long LargestFrame(long size) => size + size / 128 + 1024;

    // Another source may have the content in another frame, as a neighbour has: then what came is no beginning of it.
    private static async Task<HttpResponseMessage> OpenAsync(Source source, ObjectTransfer transfer, bool fresh, CancellationToken cancellation)
    {
        Task<HttpResponseMessage> Open() =>
            RepositoryClient.OpenObjectAsync(source, transfer.Content.Name, transfer.Offset, transfer.Tag(source), fresh, cancellation);
        var response = await Open().ConfigureAwait(false);
        var isOther = transfer.Offset > 0 && transfer.Tag(source) is null && response.StatusCode != HttpStatusCode.OK &&
            response.Content.Headers.ContentRange?.Length is { } length && length != transfer.FrameLength;
        if (!isOther)
            return response;
        response.Dispose();
        transfer.StartOver();
        return await Open().ConfigureAwait(false);
    }
}
