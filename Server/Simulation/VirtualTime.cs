namespace ContentTree.Server.Simulation;

/// <summary>Time that goes as fast as the simulation does.</summary>
internal sealed class VirtualTime(DateTimeOffset start) : TimeProvider
{
    public DateTimeOffset Now { get; set; } = start;

    public override DateTimeOffset GetUtcNow() => Now;
}
