namespace ContentTree.Deploy.Transfer;

/// <summary>
/// How many connections a download uses: as many as help and no more. It starts with <see cref="Start"/>, goes to one when the
/// link turns out to be fast, else tries one more as long as the whole gets faster by a tenth, and one less as long as it gets slower
/// by less than a twentieth. What was found holds for a while before it is tried again.
/// </summary>
internal sealed class ConnectionCount(int max)
{
    /// <summary>What every download starts with: one TCP flow reaches only half of a link that loses packets.</summary>
    public const int Start = 3;

    /// <summary>Bytes a second from which a single connection is left alone.</summary>
    public const double Fast = 2e6;

    private const double WorthAdding = 1.10;
    private const double NotMissed = 0.95;
    private const int WindowsToHold = 20;

    private Phase _phase = Phase.First;
    private double _best;
    private int _held;

    private enum Phase
    {
        First,
        Base,
        Up,
        Down,
        Hold,
    }

    public int Current { get; private set; } = Math.Min(Start, max);

    /// <summary>Takes the rate that all connections together reached since the last call.</summary>
    public void Measured(double bytesPerSecond)
    {
        switch (_phase)
        {
            case Phase.First:
                if (bytesPerSecond >= Fast)
                    Current = 1;
                _phase = Phase.Base;
                break;
            case Phase.Base:
                _best = bytesPerSecond;
                TryMore();
                break;
            case Phase.Up when bytesPerSecond >= _best * WorthAdding:
                _best = bytesPerSecond;
                TryMore();
                break;
            case Phase.Up:
                Current--;
                TryLess();
                break;
            case Phase.Down when bytesPerSecond >= _best * NotMissed:
                TryLess();
                break;
            case Phase.Down:
                Current++;
                Hold();
                break;
            default:
                if (++_held >= WindowsToHold)
                    _phase = Phase.Base;
                break;
        }
    }

    private void TryMore()
    {
        // More than one is no gain where one is fast already.
        if (Current >= max || _best >= Fast * Current)
        {
            TryLess();
            return;
        }
        _phase = Phase.Up;
        Current++;
    }

    private void TryLess()
    {
        if (Current == 1)
        {
            Hold();
            return;
        }
        _phase = Phase.Down;
        Current--;
    }

    private void Hold() => (_phase, _held) = (Phase.Hold, 0);
}
