namespace ContentTree.Deploy.Neighbours;

/// <summary>What neighbours have got from this device.</summary>
internal sealed class NeighbourTraffic
{
    private long _objects;
    private long _bytes;

    /// <summary>Answers that were sent to their end.</summary>
    public long Objects => Interlocked.Read(ref _objects);

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Sent(int bytes) => Interlocked.Add(ref _bytes, bytes);

    public void Served() => Interlocked.Increment(ref _objects);
}
