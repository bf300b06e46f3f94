using ContentTree.Deploy.Transfer;

namespace ContentTree.Deploy.Http;

/// <summary>Reads heads of requests from a connection into one small buffer.</summary>
/// <param name="stream">The connection.</param>
/// <param name="maxBytes">Of a head.</param>
/// <param name="patience">Within this a whole head must have come, also the next one of a connection that waits.</param>
internal sealed class HeadReader(Stream stream, int maxBytes, TimeSpan patience)
{
    private readonly byte[] _bytes = new byte[maxBytes];
    private int _filled;

    /// <summary>What has come after the head that was dropped.</summary>
    public ReadOnlyMemory<byte> Rest => _bytes.AsMemory(0, _filled);

    /// <summary>The length of the next head with its empty line; 0 when it is too long for one, null at the end.</summary>
    public async Task<int?> ReadAsync(CancellationToken cancellation)
    {
        using var guard = new StallGuard(patience, cancellation);
        while (true)
        {
            if (_bytes.AsSpan(0, _filled).IndexOf("\r\n\r\n"u8) is var end and >= 0)
                return end + 4;
            if (_filled == maxBytes)
                return 0;
            var count = await stream.ReadAsync(_bytes.AsMemory(_filled), guard.Token).ConfigureAwait(false);
            if (count == 0)
                return null;
            _filled += count;
        }
    }

    public ReadOnlySpan<byte> Head(int length) => _bytes.AsSpan(0, length);

    /// <summary>Forgets a head that was read.</summary>
    public void Drop(int length)
    {
        _bytes.AsSpan(length, _filled - length).CopyTo(_bytes);
        _filled -= length;
    }
}
