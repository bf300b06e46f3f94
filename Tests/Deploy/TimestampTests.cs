using System.Text;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>Freshness: who has the server's disk and its network, but not its timestamp key, cannot keep a device where it is unnoticed.</summary>
public sealed class TimestampTests : IAsyncLifetime
{
    private static readonly BranchName Main = BranchName.Parse("main");

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ISigner _key = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo one > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        var role = _server.Data.Trust.Load().Roles[Role.Timestamp].KeyIds.Single();
        _key = _server.Data.LoadOnlineKeys().Signers.Single(s => s.Public.Id == role);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Every_answer_brings_a_fresh_one_and_stays_under_a_kilobyte()
    {
        var answers = new List<string>();
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path == ContentTree.Store.Protocol.Routes.Poll)
                answers.Add(Encoding.UTF8.GetString(answer.Body));
        };
        _server.Publish("echo two > file");
        await _device.UpdateAsync();
        await _device.UpdateAsync();
        answers.Should().HaveCount(2).And.OnlyContain(a => a.Contains("\"timestamp\":{", StringComparison.Ordinal) && a.Length < 1000);
        answers[1].Should().NotContain("\"head\":{", "that one it has already");
    }

    [Fact]
    public async Task None_is_refused()
    {
        Freeze();
        File.Delete(TimestampFile());
        await RefusedAsync("the server sent none");
    }

    [Fact]
    public async Task One_that_is_over_is_refused_by_the_clock()
    {
        Freeze();
        _device.Clock = new AdjustableTime { Ahead = TimeSpan.FromHours(25) };
        await RefusedAsync("it ended at");
        _device.Clock = new AdjustableTime { Ahead = TimeSpan.FromHours(23) };
        await _device.UpdateAsync();
    }

    [Fact]
    public async Task One_that_is_over_is_refused_by_what_was_proved_when_the_clock_says_1970()
    {
        _server.Publish("echo other > file", "other");
        Freeze();
        Write("other", Timestamp("other") with { Created = DateTimeOffset.UtcNow.AddDays(-3), Expires = DateTimeOffset.UtcNow.AddMinutes(-1) });
        _device.Clock = new AdjustableTime { Ahead = DateTimeOffset.UnixEpoch.AddDays(3) - DateTimeOffset.UtcNow };
        await _device.UpdateAsync();
        (await _device.RunAsync("switch", "other")).Should().Match<CommandResult>(r => r.Code == 14 && r.Error.Contains("timestamp of other: it ended at", StringComparison.Ordinal));
    }

    [Fact]
    public async Task One_of_another_head_is_refused()
    {
        var old = File.ReadAllBytes(TimestampFile());
        _server.Publish("echo two > file");
        Freeze();
        File.WriteAllBytes(TimestampFile(), old);
        _server.Link.Spoil = (request, answer) => answer.Body = request.Path == ContentTree.Store.Protocol.Routes.Poll ? WithTimestamp(answer.Body, old) : answer.Body;
        await RefusedAsync("it names another head (sequence 1) than the one that came with it (sequence 2)");
    }

    [Fact]
    public async Task One_from_before_the_last_one_is_refused()
    {
        Freeze();
        Write("main", Timestamp("main") with { Created = DateTimeOffset.UtcNow.AddMinutes(5) });
        await _device.UpdateAsync();
        Write("main", Timestamp("main") with { Created = DateTimeOffset.UtcNow.AddMinutes(4) });
        await RefusedAsync("which was seen before");
    }

    [Fact]
    public async Task One_of_another_branch_or_key_is_refused()
    {
        Freeze();
        Write("main", Timestamp("main") with { Branch = BranchName.Parse("other") }, isSent: true);
        await RefusedAsync("it is about other");
        Write("main", Timestamp("main"), _server.Data.LoadKeys().Signers.Single(), isSent: true);
        await RefusedAsync("signed by 0 keys of the timestamp role");
    }

    [Fact]
    public async Task A_thiefs_timestamp_from_the_far_future_is_forgotten_with_his_key()
    {
        Freeze();
        var far = new DateTimeOffset(9998, 1, 1, 0, 0, 0, TimeSpan.Zero);
        Write("main", Timestamp("main") with { Created = far, Expires = far.AddDays(1) });
        await _device.UpdateAsync();
        Write("main", Timestamp("main"), isSent: true);
        (await _device.RunAsync("update")).Code.Should().Be(14, "time is not taken to be before what was proved");
        _server.Link.Reset();

        Install(new RootChange
        {
            Add = [(Role.Timestamp, _server.Data.GenerateKey(isOnline: true))],
            Remove = [(Role.Timestamp, _key.Public.Id)],
            Expires = DateTimeOffset.UtcNow.AddYears(1),
        });
        _server.Publish("echo two > file");
        await _device.TakeAsync();
    }

    [Fact]
    public async Task A_root_without_that_role_asks_for_none()
    {
        Install(new RootChange { Remove = [(Role.Timestamp, _key.Public.Id)], Expires = DateTimeOffset.UtcNow.AddYears(1) });
        Freeze();
        File.Delete(TimestampFile());
        _server.Publish("echo two > file");
        await _device.TakeAsync();
    }

    [Fact]
    public async Task A_host_of_plain_files_has_it_too()
    {
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path.StartsWith("/api/", StringComparison.Ordinal))
                answer.Replace(404, "text/html", "<html>");
        };
        _server.Publish("echo two > file");
        await _device.TakeAsync();
        Freeze();
        File.Delete(TimestampFile());
        await RefusedAsync("the server sent none");
    }

    [Fact]
    public void The_server_makes_a_new_one_when_half_of_its_time_is_over_and_never_an_earlier_one()
    {
        var time = new AdjustableTime();
        var timestamps = new Timestamps(_server.Data, time);
        var first = Read(timestamps);
        time.Ahead = TimeSpan.FromHours(11);
        Read(timestamps).Created.Should().Be(first.Created);
        time.Ahead = TimeSpan.FromHours(13);
        var second = Read(timestamps);
        second.Created.Should().BeAfter(first.Created.AddHours(12));
        time.Ahead = TimeSpan.FromDays(-3);
        _server.Publish("echo two > file");
        Read(timestamps).Created.Should().BeAfter(second.Created, "devices refuse one that goes back, whatever the server's clock does");
    }

    private VerifiedTimestamp Read(Timestamps timestamps) => _server.Data.Trust.Load().VerifyTimestamp(timestamps.Read(Main)!.Timestamp!, Main);

    private string TimestampFile(string branch = "main") => Path.Combine(_server.Data.Repository.Path, "trust/timestamp", branch + ".json");

    /// <summary>From here on the server is somebody who has not got the key.</summary>
    private void Freeze() => Directory.GetFiles(Path.Combine(_server.Data.Path, "online-keys")).ToList().ForEach(File.Delete);

    private TimestampStatement Timestamp(string branch)
    {
        var head = _server.ReadHead(branch);
        return new TimestampStatement
        {
            Branch = BranchName.Parse(branch),
            Head = ObjectId.Of(head),
            Sequence = _server.Data.Trust.Load().VerifyHead(head, BranchName.Parse(branch)).Sequence,
            Created = DateTimeOffset.UtcNow.AddSeconds(30),
            Expires = DateTimeOffset.UtcNow.AddDays(1),
        };
    }

    private void Write(string branch, TimestampStatement statement, ISigner? signer = null, bool isSent = false)
    {
        var bytes = new SigningKeys([signer ?? _key]).Sign(Envelope.Create(statement.Encode(), []), _ => true).Bytes.ToArray();
        File.WriteAllBytes(TimestampFile(branch), bytes);
        // The real server passes on only what it has made.
        _server.Link.Spoil = (request, answer) =>
            answer.Body = isSent && request.Path == ContentTree.Store.Protocol.Routes.Poll ? WithTimestamp(answer.Body, bytes) : answer.Body;
    }

    private static byte[] WithTimestamp(byte[] answer, byte[] timestamp)
    {
        var text = Encoding.UTF8.GetString(answer);
        var at = text.IndexOf(",\"timestamp\":", StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes($"{(at < 0 ? text[..^1] : text[..at])},\"timestamp\":{Encoding.UTF8.GetString(timestamp)}}}");
    }

    private async Task RefusedAsync(string reason)
    {
        var before = Shell.Run("sha256sum *", Path.Combine(_device.Layout.State, "trust"));
        var deployments = _device.Deployments();
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(14, result.Error);
        result.Error.Should().Contain("timestamp of main").And.Contain(reason);
        _device.Deployments().Should().Equal(deployments);
        Shell.Run("sha256sum *", Path.Combine(_device.Layout.State, "trust")).Should().Be(before);
    }

    private void Install(RootChange change)
    {
        var keys = _server.Data.LoadKeys();
        var next = keys.Sign(Envelope.Create(change.After(_server.Data.Trust.Load()).Encode(), []), _ => true);
        RootInstallation.Run(_server.Data, keys, next.Bytes.Span, TimeProvider.System);
    }
}
