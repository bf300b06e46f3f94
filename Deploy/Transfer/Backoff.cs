namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Waiting times that double and are drawn between nothing and the whole: a fleet that lost its server together does not come back
/// together.
/// </summary>
internal sealed class Backoff(TimeSpan min, TimeSpan max)
{
    /// <summary>What wants to be left alone for longer is not waited for within a run.</summary>
    public static readonly TimeSpan LongestAsked = TimeSpan.FromMinutes(1);

    /// <param name="failures">From 1.</param>
    public TimeSpan Delay(int failures)
    {
        var ceiling = Math.Min(max.TotalMilliseconds, min.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 30)));
#pragma warning disable CA5394 // Spreading load needs no secret numbers.
        return TimeSpan.FromMilliseconds(ceiling * Random.Shared.NextDouble());
#pragma warning restore CA5394
    }

    /// <param name="asked">How long the other side wants to be left alone.</param>
    public TimeSpan Delay(int failures, TimeSpan? asked)
    {
        var delay = Delay(failures);
        return asked > delay ? asked.Value : delay;
    }
}
