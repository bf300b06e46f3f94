using ContentTree.Server.Auditing;
using ContentTree.Server.Backups;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Dashboard.Pages;
using ContentTree.Server.Deltas;
using ContentTree.Server.Drafts;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Dashboard;

/// <summary>The pages for people, put together of the same parts that the command line and the interface use.</summary>
internal sealed class Dashboard : IDisposable
{
    private readonly DataDirectory _data;
    private readonly Database _database;
    private readonly DeltaStore _deltas;
    private readonly Audit _audit;
    private readonly TimeProvider _time;
    private readonly ServerOptions _options;
    private readonly ILogger _log;
    private readonly PageRenderer _renderer;
    private readonly Sessions _sessions;
    private readonly IssuerLogin _issuer;
    private readonly Gate _gate;
    private readonly Devices _devices;
    private readonly DeviceView _view;
    private readonly PolicyChanges _policies;
    private readonly RolloutSteps _rollouts;
    private readonly FleetCounts _counts;
    private readonly DraftTable _drafts;
    private readonly DraftMaker _maker;
    private readonly ChangeWatch _watch;
    private readonly LivePages _live;

    public Dashboard(DataDirectory data, Database database, DeltaStore deltas, Audit audit, TimeProvider time, ServerOptions options, DeviceView view, PolicyChanges policies, RolloutSteps rollouts, IServiceProvider services, ILogger log)
    {
        (_data, _database, _deltas, _audit, _time, _options, _log) = (data, database, deltas, audit, time, options, log);
        _renderer = new PageRenderer(services, services.GetRequiredService<ILoggerFactory>());
        _sessions = new Sessions(database, time);
        _watch = new ChangeWatch(data, database, time);
        _issuer = new IssuerLogin(ServerSettings.Load(data.Path).IssuerLogin, data.Path, time);
        var users = new Users(database, time);
        _gate = new Gate(database, _sessions, new ProxyLogin(ServerSettings.Load(data.Path).ProxyLogin, users, _sessions, audit, log), _renderer, _watch, time, log);
        _devices = new Devices(database, new Tokens(database, time), time);
        (_view, _policies, _rollouts) = (view, policies, rollouts);
        _counts = new FleetCounts(_view, database, time);
        _drafts = new DraftTable(database, time);
        _maker = new DraftMaker(data, _drafts, time, log);
        _live = new LivePages(_gate, _watch, time);
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        var users = new Users(_database, _time);
        OwnFiles.Map(routes);
        _live.Map(routes);
        new LoginPages(_gate, _renderer, users, _sessions, new LoginLinks(_database, _time), new LoginLimit(_database, _time), _issuer, _audit, _log).Map(routes);
        var list = new DeviceList(_view);
        var sizes = new FetchSizes(_data, _deltas);
        var filters = new SavedFilters(_database);
        new DevicePages(_gate, _renderer, list, _view, _devices, _policies, new Configurations(_data, _database, _time, _log), new BlackBoxes(_database, _time), _counts, filters, new DeviceDeployments(_database), sizes, Register, _audit, _options, _log).Map(routes);
        new FilterPages(_gate, filters).Map(routes);
        new ChosenPages(_gate, _renderer, _devices, _view, _policies, new PolicyBook(_database), _counts, _audit, _log).Map(routes);
        new ApprovalPages(_gate, _renderer, _view, _devices, new ExpectedDevices(_database, _time), _counts, _audit, _log).Map(routes);
        new BranchPages(_gate, _renderer, _data, new PolicyBook(_database), sizes, _counts, Register, _audit, _time, _log).Map(routes);
        new CommitPages(_gate, _renderer, _data, _deltas, _counts, Register, _time).Map(routes);
        var groups = new Groups(_database, _time);
        new GroupPages(_gate, _renderer, _database, groups, _view, _counts, Register, _audit).Map(routes);
        new ConfigurationPages(_gate, _renderer, new ConfigurationChanges(_data, _database, _time), groups, _counts, _audit, _log).Map(routes);
        new PolicyPages(_gate, _renderer, _policies, sizes, _counts, _log).Map(routes);
        new PlanPages(_gate, _renderer, _database, _policies, groups, _counts, Register).Map(routes);
        new RolloutPages(_gate, _renderer, _database, _rollouts, groups, sizes, _counts, Register, _time, _log).Map(routes);
        new PublishPages(_gate, _renderer, _data, _drafts, _maker, _counts, Register, _time, _log).Map(routes);
        new ReferencePages(_gate, _renderer).Map(routes);
        new AuditPages(_gate, _renderer, _audit).Map(routes);
        new StoragePages(_gate, _renderer, _data, _deltas, _devices, _time).Map(routes);
        new WebhookPages(_gate, _renderer, _data, _database, _audit, _time).Map(routes);
        new UserPages(_gate, _renderer, users, new Tokens(_database, _time), _audit, _log).Map(routes);
        new OverviewPages(_gate, _renderer, _counts, _database, new LastBackup(_database, _data.Path, _time), new Events(_database), Register, _time).Map(routes);
    }

    public void Dispose()
    {
        _live.Dispose();
        _issuer.Dispose();
        _watch.Dispose();
        _maker.Dispose();
    }

    private BranchRegister Register() => new(_data, new EmptyBranches(_database), _time);
}
