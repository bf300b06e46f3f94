using ContentTree.Server.Auditing;
using ContentTree.Server.Compositions;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Fleet.Transfers;
using ContentTree.Server.Follows;
using ContentTree.Server.Monitoring;
using ContentTree.Server.Monitoring.Export;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Server.Webhooks;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace ContentTree.Server.Endpoints;

/// <summary>The web server: Kestrel with nothing but our routes. All state is in the data directory.</summary>
internal sealed class ServerHost : IAsyncDisposable
{
    /// <summary>What requests under way get when the server is to end; a download goes on elsewhere by Range.</summary>
    public static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(5);

    private const int MaxHeaders = 64;
    private const int MaxHeaderBytes = 16 * 1024;
    private const int MaxLineBytes = 4 * 1024;

    private readonly WebApplication _app;
    private readonly ChangeBell _bell;
    private readonly UploadBatch _uploads;
    private readonly DeltaStore _deltas;
    private readonly DeltaWorker _worker;
    private readonly TimestampWorker _vouching;
    private readonly CompositionWorker _composing;
    private readonly FollowWorker _following;
    private RolloutWorker? _rollouts;
    private TrafficWorker? _traffic;
    private readonly WebhookWorker _telling;
    private readonly SilenceWorker _listening;
    private readonly BackgroundLoop _trailing;

    public ServerHost(DataDirectory data, TimeProvider time, ServerOptions options)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ApplicationName = "ctree-server" });
        builder.WebHost.UseKestrelCore().UseUrls(options.Urls).ConfigureKestrel(Limit);
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = DrainTime);
        // Standard output is for results; what happens goes to standard error, one line an event.
        (options.LogsJson ? builder.Logging.AddJsonConsole(console => (console.UseUtcTimestamp, console.TimestampFormat) = (true, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'")) : builder.Logging.AddSimpleConsole(console => console.SingleLine = true))
            .SetMinimumLevel(LogLevel.Warning).AddFilter(typeof(ServerHost).Namespace, LogLevel.Information);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        _app = builder.Build();
        var log = _app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("ContentTree.Server.Endpoints");
        _bell = new ChangeBell(data.OpenDatabase(), log);
        _uploads = new UploadBatch(data, time, options.UploadIdle, log);
        _deltas = new DeltaStore(data);
        _worker = new DeltaWorker(data, _deltas, time, options, log);
        _vouching = new TimestampWorker(new Timestamps(data, time), time, log);
        _composing = new CompositionWorker(data, time, options.HeadScan, log);
        _following = new FollowWorker(data, time, options.HeadScan, log);
        _telling = new WebhookWorker(data, time, options.HeadScan, log, _bell);
        _trailing = new BackgroundLoop(options.HeadScan, new Publishing.MoveTrail(data, time).Resume, e => Log.MovesNotNoted(log, e));
        _listening = new SilenceWorker(data, time, options.PollInterval, options.HeadScan, log);
        Map(_app, data, time, options, log);
    }

    /// <summary>Every route there is, as it is mapped.</summary>
    public IEnumerable<RouteEndpoint> Routes => ((IEndpointRouteBuilder)_app).DataSources.SelectMany(source => source.Endpoints).OfType<RouteEndpoint>();

    /// <summary>Starts listening; the addresses as they really are.</summary>
    public async Task<IReadOnlyCollection<string>> StartAsync(CancellationToken cancellation)
    {
        await _app.StartAsync(cancellation);
        return [.. _app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses];
    }

    /// <summary>Ends with the cancellation, after the requests that are under way.</summary>
    public async Task WaitForShutdownAsync(CancellationToken cancellation)
    {
        var ended = new TaskCompletionSource();
        await using var registration = cancellation.Register(() => ended.TrySetResult());
        await ended.Task;
        await _app.StopAsync(CancellationToken.None);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        await _uploads.DisposeAsync();
        await _worker.DisposeAsync();
        await _vouching.DisposeAsync();
        await _composing.DisposeAsync();
        await _following.DisposeAsync();
        if (_rollouts is not null)
            await _rollouts.DisposeAsync();
        if (_traffic is not null)
            await _traffic.DisposeAsync();
        await _trailing.DisposeAsync();
        await _listening.DisposeAsync();
        await _telling.DisposeAsync();
        await _bell.DisposeAsync();
        _deltas.Dispose();
    }

    private void Map(WebApplication app, DataDirectory data, TimeProvider time, ServerOptions options, ILogger log)
    {
        var database = data.OpenDatabase();
        var tokens = new Tokens(database, time);
        var devices = new Devices(database, tokens, time);
        var attempts = new AttemptLimit(time, options.MaxFailures);
        var access = new TokenAccess(tokens, attempts, database);
        var audit = new Audit(data, time);
        // One for all that devices sign: a request seen on one route is a replay on the next.
        var signed = new DeviceAccess(new DeviceKeys(database, time), new Nonces(database), time, options.Skew);
        var entitlements = new Entitlements(database);
        var reading = new ReadAccess(data, signed, access, entitlements, time);
        var packs = new PackEndpoints(data, signed, reading, options, log);
        app.Lifetime.ApplicationStopped.Register(packs.Dispose);
        var requests = new RequestMetrics(_deltas);
        _traffic = new TrafficWorker(new TrafficBook(database), requests, time, log);
        app.Use(new ClientAddress(ServerSettings.Load(data.Path).Proxies).InvokeAsync);
        app.Use(requests.InvokeAsync);
        app.Use(new ProblemAnswers(log).InvokeAsync);
        app.UseRouting();
        new MonitoringEndpoints(data, database, access, requests, options, time, log).Map(app);
        OpenApiEndpoints.Map(app);
        var timestamps = new Timestamps(data, time);
        var decisions = new Decisions(data, database, time);
        var policies = new PolicyChanges(data, database, decisions, time);
        var polls = new DevicePolls(data, database, devices, decisions, time, log);
        var view = new DeviceView(database, devices, decisions, entitlements, time);
        _rollouts = new RolloutWorker(data, database, decisions, time, options.HeadScan, log, _bell);
        new RepositoryEndpoints(data, _deltas, timestamps, reading).Map(app);
        new DeviceEndpoints(data, signed, devices, new Events(database), new EmptyBranches(database), _deltas, timestamps, polls, new SeenHeads(data, devices, time), reading, audit, new Outbox(database, time), attempts, time, options, log).Map(app);
        packs.Map(app);
        new DeltaEndpoints(data, signed, reading, _deltas, _worker, time).Map(app);
        var once = new OnceOnly(database, access, time);
        app.Lifetime.ApplicationStopped.Register(once.Dispose);
        new PublishEndpoints(data, access, once, _uploads, time, log).Map(app);
        new RecipeEndpoints(data, access, audit, time, log).Map(app);
        new FollowEndpoints(data, access, audit, _following, time, log).Map(app);
        new BlackBoxEndpoints(new BlackBoxes(database, time), signed, access, log).Map(app);
        new ManagementEndpoints(data, devices, view, tokens, new EmptyBranches(database), policies, entitlements, access, audit, time, log).Map(app);
        new ExpectedEndpoints(new ExpectedDevices(database, time), access, audit).Map(app);
        var rollouts = new RolloutSteps(data, database, decisions, time);
        new FleetEndpoints(database, policies, rollouts, new Groups(database, time), access, audit, time, log).Map(app);
        new ConfigurationEndpoints(new ConfigurationChanges(data, database, time), new Configurations(data, database, time, log), access, audit, log).Map(app);
        new CommitEndpoints(data, access, time).Map(app);
        var upkeep = new UpkeepEndpoints(data, devices, _deltas, access, audit, time, log);
        app.Lifetime.ApplicationStopped.Register(upkeep.Dispose);
        upkeep.Map(app);
        new AuditEndpoints(audit, access).Map(app);
        new OverviewEndpoints(new Dashboard.FleetOverview(new Dashboard.FleetCounts(view, database, time), database, new Backups.LastBackup(database, data.Path, time), () => new Publishing.BranchRegister(data, new EmptyBranches(database), time), time), access).Map(app);
        new TransferEndpoints(new TransferBook(database, time), access, audit).Map(app);
        new ExportEndpoints(new MonitoringExport(data, database, view), access).Map(app);
        new WebhookEndpoints(data, access, audit, time).Map(app);
        var dashboard = new Dashboard.Dashboard(data, database, _deltas, audit, time, options, view, policies, rollouts, app.Services, log);
        app.Lifetime.ApplicationStopping.Register(dashboard.Dispose);
        dashboard.Map(app);
    }

    private static void Limit(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestHeaderCount = MaxHeaders;
        kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
        kestrel.Limits.MaxRequestLineSize = MaxLineBytes;
        kestrel.Limits.MaxRequestBodySize = Store.Protocol.BodyLimits.Small;
        // A device on a weak link may stand still for a while; only one that takes nothing at all is cut off.
        kestrel.Limits.MinResponseDataRate = new MinDataRate(bytesPerSecond: 16, gracePeriod: TimeSpan.FromMinutes(2));
        kestrel.Limits.MinRequestBodyDataRate = new MinDataRate(bytesPerSecond: 16, gracePeriod: TimeSpan.FromMinutes(1));
    }
}
