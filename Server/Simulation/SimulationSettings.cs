using ContentTree.Store.Protocol;

namespace ContentTree.Server.Simulation;

/// <summary>A fleet, a release and how it goes out.</summary>
internal sealed record SimulationSettings
{
    public required int Devices { get; init; }

    public required RolloutPlan Plan { get; init; }

    /// <summary>The share of devices on which the release fails, 0 to 1.</summary>
    public double Bad { get; init; }

    /// <summary>The share of devices that are switched off all the time, 0 to 1.</summary>
    public double Off { get; init; }

    public TimeSpan Interval { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>How long an update takes on the median link; one in twenty takes ten times as long.</summary>
    public TimeSpan Update { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>When the simulation ends, whatever the rollout does.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromDays(7);

    public int Seed { get; init; } = 1;
}
