using ContentTree.Store.Repositories;

namespace ContentTree.Server.Endpoints;

/// <summary>A writer that several uploads use, and that is ended when the last of them has left it.</summary>
internal sealed class UploadPart(ObjectWriter writer) : IDisposable
{
    private readonly object _gate = new();
    private int _users;
    private bool _isGivenUp;

    public ObjectWriter Writer => writer;

    /// <summary>Nothing of it becomes visible.</summary>
    public bool IsGivenUp
    {
        get
        {
            lock (_gate)
                return _isGivenUp;
        }
    }

    public void Enter()
    {
        lock (_gate)
            _users++;
    }

    public void Leave()
    {
        lock (_gate)
        {
            _users--;
            Monitor.PulseAll(_gate);
        }
    }

    /// <summary>It has lost something, and with it perhaps more.</summary>
    public void GiveUp()
    {
        lock (_gate)
            _isGivenUp = true;
    }

    /// <summary>Waits until those who use it have left. Nobody enters any more.</summary>
    public void AwaitAlone()
    {
        lock (_gate)
        {
            while (_users > 0)
                Monitor.Wait(_gate);
        }
    }

    public void Dispose() => writer.Dispose();
}
