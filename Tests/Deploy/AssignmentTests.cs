using System.Text;
using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>What the server tells one device: obeyed when the fleet key signed it, for this device, newest, and among what was published.</summary>
public sealed class AssignmentTests : IAsyncLifetime
{
    private static readonly BranchName Main = BranchName.Parse("main");

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ISigner _key = null!;
    private KeyId _id;
    private ObjectId _one;
    private ObjectId _two;

    private Assignments Assignments => new(_server.Data, _server.Data.OpenDatabase(), TimeProvider.System);

    private PolicyChanges Policies
    {
        get
        {
            var database = _server.Data.OpenDatabase();
            return new(_server.Data, database, new Decisions(_server.Data, database, TimeProvider.System), TimeProvider.System);
        }
    }

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _one = _server.Publish("echo one > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _two = _server.Publish("echo two > file");
        await _device.TakeAsync();
        _id = _server.Devices.List(1).Single().Id;
        var fleet = _server.Data.Trust.Load().Roles[Role.Fleet].KeyIds.Single();
        _key = _server.Data.LoadOnlineKeys().Signers.Single(s => s.Public.Id == fleet);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_device_goes_back_on_purpose_says_why_and_follows_its_branch_again()
    {
        Policies.Assign(_id, new AssignmentRequest("pin", _one.ToString(), "looking for the noise"), new Actor("a test"));
        (await _device.JsonAsync("update"))["commit"]!.GetValue<string>().Should().Be(_one.ToString());
        var status = await _device.JsonAsync("status");
        status["assignment"]!["commit"]!.GetValue<string>().Should().Be(_one.ToString());
        (await _device.RunAsync("status")).Unwrapped.Should().Contain($"pinned to {_one.ToString()[..12]} by the server").And.Contain("looking for the noise");
        _server.Devices.Find(_id).Assignment!.Taken.Should().BeFalse("it took it with that answer");
        _server.Publish("echo three > file");
        await _device.UpdateAsync();
        _server.Devices.Find(_id).Assignment!.Taken.Should().BeTrue();
        (await _device.JsonAsync("update"))["commit"]!.GetValue<string>().Should().Be(_one.ToString(), "silence is no release");

        Policies.Assign(_id, new AssignmentRequest("follow"), new Actor("a test"));
        (await _device.JsonAsync("update"))["sequence"]!.GetValue<long>().Should().Be(3);
        (await _device.JsonAsync("status"))["assignment"].Should().BeNull();
    }

    [Fact]
    public async Task An_older_one_than_it_has_seen_is_passed_over()
    {
        Policies.Assign(_id, new AssignmentRequest("pin", _one.ToString()), new Actor("a test"));
        var old = Assignments.Newest(_id, Main, null)!.Bytes.ToArray();
        Policies.Assign(_id, new AssignmentRequest("follow"), new Actor("a test"));
        await _device.UpdateAsync();
        await PassedOverAsync(old);
    }

    [Fact]
    public async Task Another_one_of_the_same_number_is_passed_over()
    {
        await ObeyedAsync(Sign(Pin() with { Counter = 7 }));
        await PassedOverAsync(Sign(Pin() with { Counter = 7, Reason = "other" }), _one);
    }

    [Fact]
    public async Task Another_devices_or_branchs_is_passed_over()
    {
        using var other = SigningKey.Generate();
        await PassedOverAsync(Sign(Pin() with { Device = other.Id }));
        await PassedOverAsync(Sign(Pin() with { Branch = BranchName.Parse("beta") }));
        await ObeyedAsync(Sign(Pin()));
    }

    [Fact]
    public async Task One_that_the_fleet_key_did_not_sign_is_passed_over()
    {
        await PassedOverAsync(Sign(Pin(), _server.Data.LoadKeys().Signers.Single()));
        var timestamp = _server.Data.LoadOnlineKeys().Signers.Single(s => s.Public.Id != _key.Public.Id);
        await PassedOverAsync(Sign(Pin(), timestamp));
    }

    [Fact]
    public async Task A_commit_that_no_release_key_has_signed_for_is_refused()
    {
        var beta = _server.Publish("echo beta > file", "beta");
        var before = _device.Deployments();
        Inject(Sign(Pin() with { Commit = beta }));
        (await _device.RunAsync("update")).Should().Match<CommandResult>(r => r.Code == 14 && r.Error.Contains("no head of main with sequence 1 names it", StringComparison.Ordinal));
        _device.Deployments().Should().Equal(before);
        var assign = () => Policies.Assign(_id, new AssignmentRequest("pin", beta.ToString()), new Actor("a test"));
        assign.Should().Throw<ContentTree.Store.Repositories.NotFoundException>().WithMessage("*never published on main*");
    }

    [Fact]
    public async Task One_that_has_ended_is_passed_over_and_one_that_ends_is_obeyed_until_then()
    {
        await PassedOverAsync(Sign(Pin() with { Created = DateTimeOffset.UtcNow.AddDays(-2), Expires = DateTimeOffset.UtcNow.AddDays(-1) }));
        Policies.Assign(_id, new AssignmentRequest("pin", _one.ToString(), Expires: DateTimeOffset.UtcNow.AddHours(1)), new Actor("a test"));
        _server.Link.Reset();
        (await _device.JsonAsync("update"))["commit"]!.GetValue<string>().Should().Be(_one.ToString());
        _device.Clock = new AdjustableTime { Ahead = TimeSpan.FromHours(2) };
        (await _device.RunAsync("update", "--check", "--json")).Output.Should().NotContain(_one.ToString()).And.Contain("commit");
    }

    [Fact]
    public async Task A_hold_keeps_it_where_it_is_and_its_owner_has_the_last_word()
    {
        Policies.Assign(_id, new AssignmentRequest("hold", Reason: "the fair"), new Actor("a test"));
        _server.Publish("echo three > file");
        (await _device.RunAsync("update")).Should().Match<CommandResult>(r => r.Code == 16 && r.Error.Contains("the server holds", StringComparison.Ordinal) && r.Error.Contains("the fair", StringComparison.Ordinal));
        Policies.Assign(_id, new AssignmentRequest("pin", _one.ToString()), new Actor("a test"));
        (await _device.RunAsync("hold")).Code.Should().Be(0);
        (await _device.RunAsync("update")).Should().Match<CommandResult>(r => r.Code == 16 && r.Error.Contains("ctree release", StringComparison.Ordinal));
        (await _device.RunAsync("release")).Code.Should().Be(0);
        (await _device.JsonAsync("update"))["commit"]!.GetValue<string>().Should().Be(_one.ToString());
    }

    [Fact]
    public async Task What_a_dismissed_fleet_key_said_last_and_highest_binds_nobody()
    {
        await ObeyedAsync(Sign(Pin() with { Counter = (1L << 53) - 1 }));
        DismissKey();
        _server.Link.Reset();
        (await _device.JsonAsync("update"))["commit"]!.GetValue<string>().Should().Be(_two.ToString());
        Policies.Assign(_id, new AssignmentRequest("pin", _one.ToString()), new Actor("a test"));
        (await _device.JsonAsync("update"))["commit"]!.GetValue<string>().Should().Be(_one.ToString());
    }

    [Fact]
    public async Task What_a_dismissed_fleet_key_signed_is_sent_to_nobody()
    {
        var counter = Policies.Assign(_id, new AssignmentRequest("pin", _one.ToString()), new Actor("a test")).Counter;
        Assignments.Newest(_id, Main, counter - 1).Should().NotBeNull();
        Assignments.Newest(_id, Main, counter + 1).Should().BeNull("the device knows a newer one");
        DismissKey();
        Assignments.Newest(_id, Main, null).Should().BeNull();
        (await _device.RunAsync("update")).Code.Should().Be(0);
    }

    private void DismissKey()
    {
        var keys = _server.Data.LoadKeys();
        var change = new RootChange
        {
            Add = [(Role.Fleet, _server.Data.GenerateKey(isOnline: true))],
            Remove = [(Role.Fleet, _key.Public.Id)],
            Expires = DateTimeOffset.UtcNow.AddYears(1),
        };
        var next = keys.Sign(Envelope.Create(change.After(_server.Data.Trust.Load()).Encode(), []), _ => true);
        RootInstallation.Run(_server.Data, keys, next.Bytes.Span, TimeProvider.System);
    }

    private AssignmentStatement Pin() => new()
    {
        Device = _id,
        Branch = Main,
        Counter = 5,
        Action = AssignmentAction.Pin,
        Commit = _one,
        Sequence = 1,
        Reason = "",
        Created = DateTimeOffset.UtcNow.AddMinutes(-1),
        Expires = DateTimeOffset.UtcNow.AddDays(1),
    };

    private byte[] Sign(AssignmentStatement statement, ISigner? signer = null) =>
        new SigningKeys([signer ?? _key]).Sign(Envelope.Create(statement.Encode(), []), _ => true).Bytes.ToArray();

    private void Inject(byte[] assignment) => _server.Link.Spoil = (request, answer) =>
    {
        if (request.Path == Routes.Poll)
            answer.Body = Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetString(answer.Body)[..^1]},\"assignment\":{Encoding.UTF8.GetString(assignment)}}}");
    };

    private async Task ObeyedAsync(byte[] assignment)
    {
        Inject(assignment);
        (await _device.JsonAsync("update"))["commit"]!.GetValue<string>().Should().Be(_one.ToString());
    }

    // The head that comes with it is taken; of what the device was told, nothing changes.
    private async Task PassedOverAsync(byte[] assignment, ObjectId? obeyed = null)
    {
        Inject(assignment);
        var before = Told();
        var head = _server.Publish($"echo {Guid.NewGuid()} > file");
        var result = await _device.RunAsync("update", "--check", "--json");
        result.Code.Should().Be(0, result.Error);
        result.Output.Should().Contain((obeyed ?? head).ToString());
        File.ReadAllBytes(Path.Combine(_device.Layout.State, "trust/head-main.json")).Should().Equal(_server.ReadHead());
        Told().Should().Be(before);
    }

    private string Told()
    {
        var trust = Path.Combine(_device.Layout.State, "trust");
        var marks = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(Path.Combine(trust, "seen.json")))!["assignments"]?.ToJsonString();
        var file = Path.Combine(trust, "assignment.json");
        return marks + (File.Exists(file) ? File.ReadAllText(file) : "");
    }
}
