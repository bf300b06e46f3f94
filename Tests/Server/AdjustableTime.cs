namespace ContentTree.Tests.Server;

/// <summary>The real clock, moved by the test.</summary>
internal sealed class AdjustableTime : TimeProvider
{
    public TimeSpan Ahead { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Ahead;

    public override long GetTimestamp() => base.GetTimestamp() + (long)(Ahead.TotalSeconds * TimestampFrequency);
}
