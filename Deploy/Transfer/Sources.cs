using ContentTree.Deploy.Config;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// The places that content may come from, in the order in which they are asked: the mirrors as configured, then the server. None is
/// trusted: hashes decide, and what one of them serves wrong is taken from the next.
/// </summary>
internal sealed class Sources : IDisposable
{
    private readonly TimeProvider _clock;

    public Sources(ServerConnection server, AgentConfig config, TimeProvider clock)
    {
        _clock = clock;
        (Attempts, Connections) = (config.Attempts, config.Connections);
        Source Of(ServerConnection connection) => new(connection, new Backoff(config.RetryMin, config.RetryMax, clock), clock);
        Mirrors = [.. config.Mirrors.Select(mirror => Of(ServerConnection.ToMirror(mirror, config, clock)))];
        Server = Of(server);
    }

    public IReadOnlyList<Source> Mirrors { get; }

    public Source Server { get; }

    public IEnumerable<Source> All => Mirrors.Append(Server);

    /// <summary>How often in a row a download may fail without a byte in between.</summary>
    public int Attempts { get; }

    /// <summary>Requests at a time.</summary>
    public int Connections { get; }

    /// <summary>
    /// The first source that is not resting; when all are, the one that has rested first. Null when all are left out.
    /// </summary>
    public async Task<Source?> PickAsync(Predicate<Source> isLeftOut, CancellationToken cancellation)
    {
        var best = All.Where(s => !isLeftOut(s)).MinBy(s => s.Rest);
        if (best is { Rest: var rest } && rest > TimeSpan.Zero)
            await Task.Delay(rest, _clock, cancellation).ConfigureAwait(false);
        return best;
    }

    public void Dispose()
    {
        foreach (var mirror in Mirrors)
            mirror.Dispose();
    }
}
