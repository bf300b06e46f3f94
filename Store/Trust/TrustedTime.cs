namespace ContentTree.Store.Trust;

/// <summary>
/// The time that expiry is judged by, taken once per run: the clock, but never before the floor. The floor is the newest
/// moment that signed data has proved (a trusted head's <c>created</c>, the program's build), so a clock that says 1970
/// makes nothing valid again.
/// </summary>
public readonly record struct TrustedTime
{
    /// <param name="clock">What the clock says.</param>
    /// <param name="floor">The newest proven moment.</param>
    public TrustedTime(DateTimeOffset clock, DateTimeOffset floor) => Now = clock > floor ? clock : floor;

    /// <summary>Reads the clock now.</summary>
    public TrustedTime(TimeProvider clock, DateTimeOffset floor) : this(clock.GetUtcNow(), floor)
    {
    }

    /// <summary>The later of clock and floor.</summary>
    public DateTimeOffset Now { get; }

    /// <summary>Whether that moment is reached.</summary>
    public bool IsPast(DateTimeOffset moment) => Now >= moment;
}
