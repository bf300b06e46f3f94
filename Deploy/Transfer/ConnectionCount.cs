namespace ContentTree.Deploy.Transfer;

/// <summary>
/// How many connections a download uses: as many as help and no more. It starts with <see cref="Start"/>, goes to one when the
/// link turns out to be fast, else tries one more as long as the whole gets faster by a twelfth. What was found holds for a while;
/// then fewer are tried, as long as the whole gets slower by less than a twentieth, and after another while more again.
/// </summary>
internal sealed class ConnectionCount(int max)
{
    /// <summary>What every download starts with: one TCP flow reaches only half of a link that loses packets.</summary>
    public const int Start = 4;

    /// <summary>Bytes a second from which a single connection is left alone.</summary>
    public const double Fast = 2e6;

    private const double WorthAdding = 1.08;
    private const double NotMissed = 0.95;

    // A lossy link is not the same from one window to the next: a connection too few costs more than one too many.
    private const int WindowsToHold = 10;

    private Phase _phase = Phase.First;
    private double _best;
    private int _held;
    private bool _isFewerNext;

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
                Hold(isFewerNext: true);
                break;
            case Phase.Down when bytesPerSecond >= _best * NotMissed:
                TryLess();
                break;
            case Phase.Down:
                Current++;
                Hold(isFewerNext: false);
                break;
            default:
                if (++_held < WindowsToHold)
                    break;
                _best = bytesPerSecond;
                if (_isFewerNext)
                    TryLess();
                else
                    TryMore();
                break;
        }
    }

    private void TryMore()
    {
        // More than one is no gain where one is fast already.
        if (Current >= max || _best >= Fast * Current)
        {
            Hold(isFewerNext: true);
            return;
        }
        _phase = Phase.Up;
        Current++;
    }

    private void TryLess()
    {
        if (Current == 1)
        {
            Hold(isFewerNext: false);
            return;
        }
        _phase = Phase.Down;
        Current--;
    }

    private void Hold(bool isFewerNext) => (_phase, _held, _isFewerNext) = (Phase.Hold, 0, isFewerNext);
}
