using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Simulation;

/// <summary>A device as the server sees it: it polls, takes what it is told after the time its link needs, and comes up or falls back.</summary>
internal sealed class SimulatedDevice(KeyId id, ObjectId running, double linkFactor, bool failsOnRelease)
{
    private long? _counter;
    private VerifiedAssignment? _assignment;
    private ObjectId? _failed;
    private ObjectId? _taking;

    public KeyId Id { get; } = id;

    public ObjectId Running { get; private set; } = running;

    /// <summary>Its updates take so many times the usual.</summary>
    public double LinkFactor { get; } = linkFactor;

    public bool IsUpdating => _taking is not null;

    /// <summary>It booted the release, whatever came of that.</summary>
    public bool HasTried { get; private set; }

    /// <summary>How often it was told anew to take what had failed there.</summary>
    public int Repeats { get; private set; }

    public PollRequest Poll(BranchName branch, BranchPositionSeen head) => new(
        branch, "good", 1, head.Sequence, null, Running, _taking, _failed, Assignment: _counter);

    /// <summary>Hears an answer; whether it begins to update.</summary>
    public bool Hear(RawJson? told, TrustRoot root, BranchPositionSeen head)
    {
        if (told is not null)
        {
            _assignment = root.VerifyAssignment(told.Bytes.ToArray());
            _counter = _assignment.Counter;
            if (_failed is not null && _assignment.Commit == _failed)
                Repeats++;
        }
        var target = _assignment switch
        {
            { Action: AssignmentAction.Hold } => null,
            { Commit: { } commit } => (ObjectId?)commit,
            _ => head.Commit,
        };
        if (target is null || target == Running || target == _failed || IsUpdating)
            return false;
        _taking = target;
        return true;
    }

    /// <summary>Boots what it took.</summary>
    public void Boot(ObjectId release)
    {
        var taken = _taking ?? throw new System.Diagnostics.UnreachableException();
        _taking = null;
        HasTried |= taken == release;
        if (taken == release && failsOnRelease)
            _failed = taken;
        else
            Running = taken;
    }
}
