using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>How far a <see cref="BarrierWalk"/> is, what it has found, and how much longer it may look.</summary>
internal sealed class BarrierProgress(Device device, BarrierState start)
{
    /// <summary>Positions that one run looks at; the next one goes on behind them.</summary>
    public const int MaxPositions = 10_000;

    // A power cut costs the device so many positions.
    private const int SaveEvery = 500;

    // Nobody else gets at the device meanwhile.
    private static readonly TimeSpan MaxTime = TimeSpan.FromMinutes(1);

    private readonly long _begun = device.Clock.GetTimestamp();
    private BarrierState _saved = start;
    private int _looked;

    public BarrierState Now { get; private set; } = start;

    /// <summary>The barrier to stop at, as far as is known.</summary>
    public Target? Found { get; private set; }

    /// <summary>The last position that need not be asked for again.</summary>
    public long Last => Found is null ? Now.Checked : Now.Behind;

    /// <summary>Where to go on. Behind a barrier what was looked at for the way back once is not looked at again.</summary>
    public long After(long sequence) => (Found is null ? sequence : Math.Max(sequence, Now.Behind)) + 1;

    /// <summary>One more position is to be looked at.</summary>
    /// <exception cref="StoppedException">Too many for one run. Those before count as passed, also where none was ever used: it has to come to an end.</exception>
    public void Count(long sequence, VerifiedHead head)
    {
        if (_looked == MaxPositions || (_looked > 0 && device.Clock.GetElapsedTime(_begun) >= MaxTime))
        {
            Pass(sequence - 1);
            throw new StoppedException(ExitCode.Partial, $"looked for barriers at {_looked} positions of {head.Branch} since the one that runs here, {head.Sequence - sequence} are left; the next update goes on there, 'ctree switch COMMIT' goes to a commit in between");
        }
        if (_looked++ % SaveEvery == SaveEvery - 1)
            Save();
    }

    /// <summary>There is no barrier, or none that counts.</summary>
    public void Pass(long sequence) => Now = Now with
    {
        Checked = Found is null ? Math.Max(sequence, Now.Checked) : Now.Checked,
        Behind = Math.Max(sequence, Now.Behind),
    };

    /// <summary>There is a barrier. It stays unchecked: until it runs here, it is looked at again.</summary>
    public void Stop(Target barrier)
    {
        Pass(barrier.Sequence - 1);
        Found = barrier;
        Pass(barrier.Sequence);
    }

    /// <summary>The branch was back at what runs here, so that nothing before counts.</summary>
    public void CameBack(long sequence)
    {
        Found = null;
        Pass(sequence);
    }

    public void Save()
    {
        if (Now != _saved)
            device.State.Barriers = _saved = Now;
    }
}
