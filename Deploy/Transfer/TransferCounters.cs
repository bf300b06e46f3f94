using ContentTree.Deploy.State;

namespace ContentTree.Deploy.Transfer;

/// <summary>What a run has fetched so far; counted from several threads.</summary>
internal sealed class TransferCounters
{
    private long _objects, _bytes, _resumes, _restarts;

    public long Objects => Interlocked.Read(ref _objects);

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Received(int bytes) => Interlocked.Add(ref _bytes, bytes);

    public void Completed() => Interlocked.Increment(ref _objects);

    public void Resumed() => Interlocked.Increment(ref _resumes);

    public void Restarted() => Interlocked.Increment(ref _restarts);

    public Fetched ToFetched() => new(Objects, Bytes, Interlocked.Read(ref _resumes), Interlocked.Read(ref _restarts));
}
