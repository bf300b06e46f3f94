using System.Globalization;
using System.Security.Cryptography;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using Microsoft.Extensions.Logging.Abstractions;

namespace ContentTree.Server.Simulation;

/// <summary>
/// A fleet in simulated time against the server's own rules, database and signatures; only the network and the devices' disks are left out.
/// The same settings give the same course.
/// </summary>
internal sealed class Simulation : IDisposable
{
    private static readonly BranchName Branch = BranchName.Parse("main");
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(5);

    private readonly SimulationSettings _settings;
    private readonly Actor _operator = new("simulation");
    private readonly Random _random;
    private readonly VirtualTime _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly DataDirectory _data;
    private readonly Database _database;
    private readonly Decisions _decisions;
    private readonly RolloutSteps _steps;
    private readonly DevicePolls _polls;
    private readonly Devices _devices;
    private readonly TrustRoot _root;
    private readonly List<SimulatedDevice> _fleet = [];
    private readonly PriorityQueue<(SimulatedDevice Device, bool IsBoot), (DateTimeOffset, int)> _queue = new();
    private int _order;
    private long _answered;
    private long _stamp = -1;

    /// <param name="path">An empty directory for the server's data.</param>
    public Simulation(string path, SimulationSettings settings)
    {
        _settings = settings;
#pragma warning disable CA5394 // The same seed is to give the same fleet; nothing secret is made of it.
        _random = new Random(settings.Seed);
#pragma warning restore CA5394
        _data = DataDirectory.Create(path, _time);
        _database = SqliteDatabase.OpenPassing(_data.DatabasePath);
        _decisions = new Decisions(_data, _database, _time);
        _steps = new RolloutSteps(_data, _database, _decisions, _time);
        _devices = new Devices(_database, new Tokens(_database, _time), _time);
        _polls = new DevicePolls(_data, _database, _devices, _decisions, _time, NullLogger.Instance);
        _root = _data.Trust.Load();
    }

    /// <summary>Runs until the rollout has ended and every device that is on has done what it was told, or until the limit.</summary>
    /// <param name="tell">Hears whenever the rollout moves.</param>
    public SimulationResult Run(Action<TimeSpan, RolloutInfo> tell, CancellationToken cancellation)
    {
        var baseline = Publish("baseline");
        MakeFleet(baseline.Commit);
        new PolicyChanges(_data, _database, _decisions, _time).Set(new PolicyScope.Branch(Branch), new PolicyRequest("pin", baseline.Commit.ToString()), _operator);
        var release = Publish("release");
        var begun = _time.Now;
        var id = _steps.Start(new RolloutRequest($"branch:{Branch}", release.Commit.ToString(), _settings.Plan), _operator).Id;
        var (most, changed, settled, ended) = (0, true, 0, begun);
        for (var now = begun; now < begun + _settings.Limit && settled < 3; now += Tick)
        {
            cancellation.ThrowIfCancellationRequested();
            Until(now, release);
            _time.Now = now;
            RolloutWorker.Look(_database, _decisions, _steps, changed, _stamp, rollout => tell(now - begun, Describe(rollout)), cancellation.ThrowIfCancellationRequested);
            changed = HasMoved();
            most = Math.Max(most, _fleet.Count(d => d.IsUpdating));
            if (Find(id).State == RolloutState.Waiting)
                _steps.Step(id, RolloutSteps.Approve, null, _operator);
            // One that is paused waits for a person, and there is none.
            var isActive = Find(id).State is RolloutState.Running or RolloutState.Waiting;
            ended = isActive ? now : ended;
            // A few intervals after its end everybody who is on has heard of it.
            if (!isActive && (now - ended) > (settled + 1) * _settings.Interval * 1.5)
                settled = _fleet.Exists(d => d.IsUpdating) ? 0 : settled + 1;
        }
        return new SimulationResult(Describe(Find(id)), _fleet.Count(d => d.HasTried), _fleet.Count(d => d.Running == release.Commit), _fleet.Count(d => d.Running == baseline.Commit),
            most, _fleet.Sum(d => d.Repeats), ended - begun, _answered);
    }

    public void Dispose() => _data.Dispose();

    private bool HasMoved()
    {
        using var connection = _database.Connect();
        var stamp = FleetStamp.Read(connection);
        (var moved, _stamp) = (stamp != _stamp, stamp);
        return moved;
    }

    private BranchPositionSeen Publish(string content)
    {
        var source = Path.Combine(_data.Path, "cache", "simulated");
        Directory.CreateDirectory(source);
        using (var file = new StreamWriter(Path.Combine(source, "version")))
            file.Write(content);
        var published = new Publisher(_data, _time).Publish(new PublishOptions { Branch = Branch, Source = source, NoCache = true }, CancellationToken.None);
        return new BranchPositionSeen(published.Commit, published.Sequence);
    }

    private void MakeFleet(ObjectId running)
    {
#pragma warning disable CA5394 // The same seed is to give the same fleet; nothing secret is made of it.
        using var connection = _database.ConnectHastily();
        using var transaction = connection.BeginWriting();
        for (var i = 0; i < _settings.Devices; i++)
        {
            var id = KeyId.Parse(Convert.ToHexStringLower(SHA256.HashData(BitConverter.GetBytes(i)))[..KeyId.Length]);
            connection.Execute("INSERT INTO devices (id, name, hardware, architecture, branch, state, enrolled, last_seen, running) VALUES ($id, $name, '', '', $branch, 'accepted', $now, $now, $running)",
                ("$id", id), ("$name", i.ToString(CultureInfo.InvariantCulture)), ("$branch", Branch), ("$now", _time.Now), ("$running", running));
            var device = new SimulatedDevice(id, running, _random.Next(20) == 0 ? 10 : 0.5 + _random.NextDouble(), _random.NextDouble() < _settings.Bad);
            _fleet.Add(device);
            if (_random.NextDouble() >= _settings.Off)
                Enqueue(device, isBoot: false, _time.Now + _random.NextDouble() * _settings.Interval);
        }
        transaction.Commit();
#pragma warning restore CA5394
    }

    private void Until(DateTimeOffset end, BranchPositionSeen head)
    {
        while (_queue.TryPeek(out var next, out var at) && at.Item1 <= end)
        {
            _queue.Dequeue();
            _time.Now = at.Item1;
            if (next.IsBoot)
                next.Device.Boot(head.Commit);
            _answered++;
            var told = _polls.Take(next.Device.Id, DeviceState.Accepted, next.Device.Poll(Branch, head)).Assignment;
            // It goes on polling while it downloads; what it does then comes at its boot.
            if (next.Device.Hear(told, _root, head))
                Enqueue(next.Device, isBoot: true, _time.Now + (next.Device.LinkFactor * _settings.Update));
            else if (!next.Device.IsUpdating)
                Enqueue(next.Device, isBoot: false, _time.Now + _settings.Interval);
        }
    }

    private void Enqueue(SimulatedDevice device, bool isBoot, DateTimeOffset at) => _queue.Enqueue((device, isBoot), (at, _order++));

    private Rollout Find(long id)
    {
        using var connection = _database.Connect();
        return RolloutBook.Find(connection, id);
    }

    private RolloutInfo Describe(Rollout rollout)
    {
        using var connection = _database.Connect();
        return RolloutBook.Describe(rollout, RolloutBook.Count(connection, rollout, _time.Now));
    }
}
