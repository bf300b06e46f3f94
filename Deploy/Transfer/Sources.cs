using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// The places that content may come from, in the order in which they are asked: the mirrors as configured, then the server. None is
/// trusted: hashes decide, and what one of them serves wrong is taken from the next.
/// </summary>
internal sealed class Sources : IDisposable
{
    private const int ProgressBytes = 64 * 1024;

    private readonly TimeProvider _clock;
    private readonly DeviceStateFiles _state;

    public Sources(Uri server, AgentConfig config, DeviceStateFiles state, TimeProvider clock)
    {
        _clock = clock;
        (Attempts, Connections) = (config.Attempts, config.Connections);
        Gate = new TransferGate(state, config, clock);
        Source Of(ServerConnection connection) => new(connection, new Backoff(config.RetryMin, config.RetryMax), Gate, clock);
        Mirrors = [.. config.Mirrors.Select(mirror => Of(ServerConnection.ToMirror(mirror, config, clock, Gate)))];
        Server = Of(new ServerConnection(server, config, clock, Gate));
        _state = state;
        SignIfPrivate();
    }

    private Sources(AgentConfig config, DeviceStateFiles state, TimeProvider clock, Uri bundle)
    {
        _clock = clock;
        (Attempts, Connections, IsOffline) = (1, config.Connections, true);
        _state = state;
        Gate = new TransferGate(state, config, clock);
        Source Of(ServerConnection connection) => new(connection, new Backoff(config.RetryMin, config.RetryMax), Gate, clock);
        Mirrors = [Of(ServerConnection.ToMirror(bundle, config, clock, Gate))];
        Server = Of(ServerConnection.None(config, clock));
    }

    /// <summary>A bundle alone: neither the server nor a mirror is asked.</summary>
    public static Sources OfBundle(string path, AgentConfig config, DeviceStateFiles state, TimeProvider clock) =>
        new(config, state, clock, new Uri(Path.GetFullPath(path)));

    public TransferGate Gate { get; }

    /// <summary>There is no server to ask: what the mirrors lack is not to be had.</summary>
    public bool IsOffline { get; }

    public IReadOnlyList<Source> Mirrors { get; }

    public Source Server { get; }

    /// <summary>The delta that the server named with its last answer: it saves asking for the list of all.</summary>
    public DeltaOffer? Offered { get; set; }

    public IEnumerable<Source> All => IsOffline ? Mirrors : Mirrors.Append(Server);

    /// <summary>How often in a row a download may fail without a byte in between.</summary>
    public int Attempts { get; }

    /// <summary>Requests at a time.</summary>
    public int Connections { get; }

    /// <summary>
    /// Takes, and remembers, that the branch is private: from now on what is asked for is signed, and neighbours get nothing. It is not taken
    /// back, because what came stays in the store.
    /// </summary>
    public void Apply(bool isPrivate)
    {
        if (!isPrivate || _state.Transfer is not { IsPrivate: false } state)
            return;
        _state.Transfer = state with { IsPrivate = true };
        SignIfPrivate();
    }

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

    /// <summary>It could not be reached. A mirror that drips rests long; the server is what there is, however slow.</summary>
    /// <param name="begun">When the request that failed was begun.</param>
    public void Failed(Source source, long begun, ServerUnreachableException why)
    {
        source.Failed(begun, why.RetryAfter);
        if (why.IsSlow && source != Server)
            source.Slow();
    }

    /// <summary>
    /// Asks one source after the other until one gives what is wanted. Those that sent wrong bytes are asked once more at the end, past
    /// every cache; those that fail are asked again after a rest.
    /// </summary>
    /// <param name="ask">Asks a source; the flag says that caches are to be passed by.</param>
    /// <param name="kept">Bytes that a failure does not lose: as long as they grow it goes on.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <exception cref="CorruptObjectException">The server's bytes were wrong twice, and no mirror had better ones.</exception>
    /// <exception cref="StoppedException">No source has it.</exception>
    public async Task<T> AskAsync<T>(Func<Source, bool, Task<T>> ask, Func<long> kept, CancellationToken cancellation)
    {
        var useless = new Dictionary<Source, Exception>();
        var suspect = new HashSet<Source>();
        var failures = new Dictionary<Source, int>();
        while (true)
        {
            // One that never answers must not keep those that sent wrong bytes from their second chance.
            var isLast = All.All(s => useless.ContainsKey(s) || suspect.Contains(s) || failures.GetValueOrDefault(s) >= Attempts);
            var source = await PickAsync(s => useless.ContainsKey(s) || (!isLast && suspect.Contains(s)), cancellation).ConfigureAwait(false);
            if (source is null && IsOffline)
                throw useless.Values.First();
            if (source is null)
                throw await VerdictAsync(useless[Server], cancellation).ConfigureAwait(false);
            var (begun, before) = (_clock.GetTimestamp(), kept());
            try
            {
                var result = await ask(source, isLast).ConfigureAwait(false);
                source.Moved();
                return result;
            }
            catch (CorruptObjectException e)
            {
                if (!suspect.Add(source))
                    useless[source] = e;
            }
            catch (StoppedException e) when (e.Code is ExitCode.NotFound or ExitCode.NotAuthorised)
            {
                useless[source] = e;
            }
            catch (ServerUnreachableException e)
            {
                Failed(source, begun, e);
                failures[source] = kept() >= before + ProgressBytes ? 1 : failures.GetValueOrDefault(source) + 1;
                var others = All.Where(s => s != source && !useless.ContainsKey(s)).ToArray();
                if ((failures[source] >= Attempts || e.RetryAfter > Backoff.LongestAsked) && others.All(s => failures.GetValueOrDefault(s) >= Attempts))
                    throw;
            }
        }
    }

    /// <summary>What answers "not found" to everything is no server of ours but a network that wants something first.</summary>
    /// <exception cref="ServerUnreachableException">There is no repository.</exception>
    public async Task RequireServerAsync(CancellationToken cancellation)
    {
        var server = Server.Connection;
        using var request = new HttpRequestMessage(HttpMethod.Get, server.Resolve(Routes.TrustRoot));
        using var response = await server.SendAsync(request, cancellation).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw new ServerUnreachableException($"{server.Server}: there is no update server; is there a network log-in page?") { IsNoNetwork = true };
    }

    public void Dispose()
    {
        foreach (var source in All)
            source.Dispose();
        Gate.Dispose();
    }

    private void SignIfPrivate()
    {
        var server = Server.Connection;
        if (_state.Transfer.IsPrivate)
            server.Signer = request => Sign(request, server.Skew);
    }

    private string Sign(HttpRequestMessage request, TimeSpan skew)
    {
        using var key = _state.ReadKey();
        return RequestSignature.Create(key.Signing, request.Method.Method, request.RequestUri?.PathAndQuery ?? "", [], _clock.GetUtcNow() + skew).ToString();
    }

    private async Task<Exception> VerdictAsync(Exception server, CancellationToken cancellation)
    {
        if (server is StoppedException { Code: ExitCode.NotFound })
            await RequireServerAsync(cancellation).ConfigureAwait(false);
        return server;
    }
}
