using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;

namespace ContentTree.Deploy.Agent;

/// <summary>When the server is asked next. How often it failed is on disk, so a restart does not make a fleet impatient.</summary>
internal static class PollSchedule
{
    private static readonly TimeSpan FirstWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    // Nobody keeps a device from asking for longer than that by an answer.
    private static readonly TimeSpan Longest = TimeSpan.FromDays(1);

    /// <summary>Soon after the start, but all devices of a site start together when the power returns.</summary>
    public static TimeSpan First() => FirstWithin * Chance();

    /// <summary>What an earlier process left of its wait; none when it only waited for a network.</summary>
    public static TimeSpan Restored(AgentConfig config, LastRetry? retry, TimeProvider clock)
    {
        // A clock that jumped must not keep a device from its server.
        var left = retry is { Failures: > 0 } ? retry.NotBefore - clock.GetUtcNow() : TimeSpan.Zero;
        return left > TimeSpan.Zero && left <= config.PollRetryMax ? left : TimeSpan.Zero;
    }

    /// <param name="last">The last poll.</param>
    /// <param name="retry">Rounds in a row that failed; null when the last one did not.</param>
    /// <param name="asked">How long the server wants to be left alone.</param>
    public static TimeSpan Next(AgentConfig config, LastPoll? last, LastRetry? retry, TimeSpan? asked)
    {
        var worst = Math.Max(last?.Failures ?? 0, Math.Max(retry?.Failures ?? 0, retry?.Lost ?? 0));
        var pause = worst > 0
            ? new Backoff(config.PollRetryMin, config.PollRetryMax).Delay(worst)
            : Vary(Interval(config, last), config.PollJitter);
        if (asked > pause)
            pause = asked.Value < config.PollRetryMax ? asked.Value : config.PollRetryMax;
        return pause > Shortest ? pause : Shortest;
    }

    // What stands in a file of the device was put there on purpose; else the server knows best.
    private static TimeSpan Interval(AgentConfig config, LastPoll? last) =>
        config.IsPollIntervalSet || last is not { Interval: > 0 } ? config.PollInterval : TimeSpan.FromSeconds(Math.Min(last.Interval, (long)Longest.TotalSeconds));

    private static TimeSpan Vary(TimeSpan interval, double share) => interval * (1 + share * (2 * Chance() - 1));

#pragma warning disable CA5394 // Spreading load needs no secret numbers.
    private static double Chance() => Random.Shared.NextDouble();
#pragma warning restore CA5394
}
