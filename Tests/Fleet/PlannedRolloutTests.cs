using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Fleet;

/// <summary>What is started by a plan while others change it, and by a server that others may replace.</summary>
public sealed class PlannedRolloutTests : IDisposable
{
    private static readonly RolloutPlan Plan = new([new RolloutWave(10), new RolloutWave(100)]);

    private readonly TemporaryDirectory _temporary = new();
    private readonly DataDirectory _data;
    private readonly Database _database;
    private readonly Decisions _decisions;
    private readonly RolloutSteps _steps;
    private readonly PolicyChanges _policies;

    public PlannedRolloutTests()
    {
        TestStorage.Prepare(_temporary["data"]);
        _data = DataDirectory.Create(_temporary["data"], TimeProvider.System);
        _database = _data.OpenDatabase();
        _decisions = new Decisions(_data, _database, TimeProvider.System);
        _steps = new RolloutSteps(_data, _database, _decisions, TimeProvider.System);
        _policies = new PolicyChanges(_data, _database, _decisions, TimeProvider.System);
    }

    public void Dispose()
    {
        _data.Dispose();
        TestStorage.End();
        _temporary.Dispose();
    }

    [Fact]
    public void A_plan_that_was_taken_away_since_it_was_read_starts_nothing()
    {
        var read = Planned("stable");
        _policies.RemovePlan(read.Scope, new Actor("a test"));
        using var connection = _database.Connect();

        _steps.StartPlanned(connection, read, BranchName.Parse("stable")).Should().BeNull();

        RolloutBook.Newest(connection).Should().BeEmpty();
    }

    [Fact]
    public void What_somebody_holds_back_is_not_let_go_by_a_plan()
    {
        Publish("stable", "one");
        var scope = new PolicyScope.Branch(BranchName.Parse("stable"));
        _policies.Set(scope, new PolicyRequest("hold", Reason: "trouble"), new Actor("a test"));
        FluentActions.Invoking(() => _policies.SetPlan(scope, Plan, new Actor("a test"))).Should().Throw<FormatException>().WithMessage("*held back*");
    }

    [Fact]
    public void What_was_started_since_the_plan_was_read_is_not_started_again()
    {
        var read = Planned("stable");
        using var connection = _database.Connect();
        var first = _steps.StartPlanned(connection, read, BranchName.Parse("stable"));

        _steps.StartPlanned(connection, read, BranchName.Parse("stable")).Should().BeNull();

        RolloutBook.List(connection, 10).Should().ContainSingle().Which.Id.Should().Be(first!.Id);
        new Audit(_data, TimeProvider.System).List(new AuditFilter(Verb: "rollout"), 10).Should().ContainSingle().Which.Should().Match<AuditEntry>(e => e.Actor == "server" && e.Verb == "rollout.start" && e.Reason == "the plan of branch stable");
    }

    [Fact]
    public void A_server_that_was_replaced_stops_between_two_rollouts()
    {
        Planned("one");
        Planned("two");
        var left = 1;

        var look = () => RolloutWorker.Look(_database, _decisions, _steps, isChanged: true, 0, _ => { }, () => _ = left-- > 0 ? 0 : throw new IOException("replaced"));

        look.Should().Throw<IOException>();
        using var connection = _database.Connect();
        RolloutBook.List(connection, 10).Should().ContainSingle();
    }

    private Policy Planned(string branch)
    {
        Publish(branch, "one");
        var planned = _policies.SetPlan(new PolicyScope.Branch(BranchName.Parse(branch)), Plan, new Actor("a test"));
        Publish(branch, "two");
        return planned;
    }

    private void Publish(string branch, string content)
    {
        Directory.CreateDirectory(_temporary["source"]);
        File.WriteAllText(Path.Combine(_temporary["source"], "file"), content);
        new Publisher(_data, TimeProvider.System).Publish(new PublishOptions { Branch = BranchName.Parse(branch), Source = _temporary["source"], NoCache = true }, CancellationToken.None);
    }
}
