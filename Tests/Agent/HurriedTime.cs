namespace ContentTree.Tests.Agent;

/// <summary>The real clock, on which one span of time is over at once.</summary>
internal sealed class HurriedTime(TimeSpan span) : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime == span ? TimeSpan.FromMilliseconds(500) : dueTime, period);
}
