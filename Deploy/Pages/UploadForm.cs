using System.Text;

namespace ContentTree.Deploy.Pages;

/// <summary>
/// The form that brings a bundle: the token first, then the file, as browsers send a form of two fields. The file's length follows from
/// that of the whole, so nothing in it has to be looked at.
/// </summary>
internal sealed class UploadForm(RequestBody body, string boundary)
{
    private const int MaxBoundary = 70;
    private const int MaxFields = 4096;

    private readonly byte[] _bytes = new byte[MaxFields];
    private int _filled;

    /// <summary>Bytes of the file, once its head was read.</summary>
    public long FileBytes { get; private set; }

    /// <returns>Null for a request that brings no such form.</returns>
    public static UploadForm? TryOpen(PageRequest request, RequestBody body)
    {
        const string type = "multipart/form-data";
        var words = request.ContentType.Split(';', StringSplitOptions.TrimEntries);
        var boundary = words.FirstOrDefault(word => word.StartsWith("boundary=", StringComparison.OrdinalIgnoreCase))?["boundary=".Length..].Trim('"');
        return words[0].Equals(type, StringComparison.OrdinalIgnoreCase) && boundary is { Length: > 0 and <= MaxBoundary } ? new UploadForm(body, boundary) : null;
    }

    /// <summary>The token that the form carries; null when it does not come first.</summary>
    public async Task<string?> ReadTokenAsync(CancellationToken cancellation)
    {
        if (await ReadPastAsync("\r\n\r\n", cancellation).ConfigureAwait(false) is not { } head || !IsField(head, "token"))
            return null;
        return await ReadPastAsync($"\r\n--{boundary}\r\n", cancellation).ConfigureAwait(false);
    }

    /// <summary>Whether a file follows; then <see cref="CopyAsync"/> brings its content.</summary>
    public async Task<bool> ReadFileHeadAsync(CancellationToken cancellation)
    {
        if (await ReadPastAsync("\r\n\r\n", cancellation).ConfigureAwait(false) is not { } head || !IsField($"--{boundary}\r\n{head}", "bundle"))
            return false;
        FileBytes = _filled + body.Left - End.Length;
        return FileBytes > 0;
    }

    /// <summary>Hands on the file's bytes in pieces.</summary>
    /// <returns>False when the form does not end where its file does.</returns>
    public async Task<bool> CopyAsync(Func<ReadOnlyMemory<byte>, ValueTask> take, byte[] buffer, CancellationToken cancellation)
    {
        var left = FileBytes;
        var early = (int)Math.Min(_filled, left);
        await take(_bytes.AsMemory(0, early)).ConfigureAwait(false);
        Drop(early);
        for (left -= early; left > 0;)
        {
            var count = await body.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), cancellation).ConfigureAwait(false);
            await take(buffer.AsMemory(0, count)).ConfigureAwait(false);
            left -= count;
        }
        while (body.Left > 0)
            _filled += await body.ReadAsync(_bytes.AsMemory(_filled), cancellation).ConfigureAwait(false);
        return _bytes.AsSpan(0, _filled).SequenceEqual(End);
    }

    private byte[] End => Encoding.ASCII.GetBytes($"\r\n--{boundary}--\r\n");

    private bool IsField(string head, string name) =>
        head.StartsWith($"--{boundary}\r\n", StringComparison.Ordinal) && (head.Contains($"; name=\"{name}\"", StringComparison.Ordinal) || head.Contains($"; name={name}", StringComparison.Ordinal));

    // What stands before the mark; null when it does not come within what fields may take.
    private async Task<string?> ReadPastAsync(string mark, CancellationToken cancellation)
    {
        var bytes = Encoding.ASCII.GetBytes(mark);
        while (true)
        {
            if (_bytes.AsSpan(0, _filled).IndexOf(bytes) is var at and >= 0)
            {
                var text = Encoding.UTF8.GetString(_bytes, 0, at);
                Drop(at + bytes.Length);
                return text;
            }
            if (_filled == _bytes.Length || body.Left == 0)
                return null;
            _filled += await body.ReadAsync(_bytes.AsMemory(_filled), cancellation).ConfigureAwait(false);
        }
    }

    private void Drop(int count)
    {
        _bytes.AsSpan(count, _filled - count).CopyTo(_bytes);
        _filled -= count;
    }
}
