using ContentTree.Store.Codecs;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>The bytes of a region, read once.</summary>
internal sealed class RegionStream(ScratchRegion region) : ReadOnlyStream
{
    private long _position;

    public override int Read(Span<byte> buffer)
    {
        var count = (int)Math.Min(region.Length - _position, buffer.Length);
        region.Read(_position, buffer[..count]);
        _position += count;
        return count;
    }
}
