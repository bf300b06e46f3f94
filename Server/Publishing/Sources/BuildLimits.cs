namespace ContentTree.Server.Publishing.Sources;

/// <summary>What a source's program may use.</summary>
/// <param name="Time">From start to end.</param>
/// <param name="Memory">Bytes of each of its processes, and of what it keeps in /tmp.</param>
internal sealed record BuildLimits(TimeSpan Time, long Memory)
{
    public static BuildLimits Default { get; } = new(TimeSpan.FromMinutes(30), 4L << 30);
}
