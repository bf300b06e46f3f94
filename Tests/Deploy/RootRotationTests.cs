using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>Keys that come and go under devices that are in use, asleep or attacked meanwhile.</summary>
public sealed class RootRotationTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ISigner _old = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo one > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _old = _server.Data.LoadKeys().Signers.Single();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_device_that_slept_through_many_rotations_follows_them_all()
    {
        for (var i = 0; i < 12; i++)
            Rotate(replace: true);
        _server.Publish("echo two > file");
        await _device.TakeAsync();
        Trusted().Version.Should().Be(13);
        _device.Deployments().Should().HaveCount(2);
    }

    [Fact]
    public async Task What_a_dismissed_key_signs_is_refused_and_nothing_is_remembered_of_it()
    {
        Rotate(replace: true);
        await _device.UpdateAsync();
        var forged = Forge(sequence: 9);
        var before = TrustFiles();
        _server.WriteHead("main", forged);

        var result = await _device.RunAsync("update");

        result.Code.Should().Be(14, result.Error);
        TrustFiles().Should().Be(before);
    }

    [Fact]
    public async Task A_thiefs_highest_sequence_is_forgotten_with_his_key()
    {
        var honest = _server.ReadHead();
        _server.WriteHead("main", Forge(sequence: (1L << 53) - 1));
        await _device.UpdateAsync();
        _server.WriteHead("main", honest);
        (await _device.RunAsync("update")).Code.Should().Be(14, "the sequence went down");

        Rotate(replace: true);
        var two = _server.Publish("echo two > file");

        await _device.TakeAsync();
        (await _device.JsonAsync("status"))["deployments"]!.AsArray().Select(d => d!["commit"]!.GetValue<string>()).Should().Contain(two.ToString());
    }

    [Fact]
    public async Task A_thiefs_head_from_the_far_future_is_forgotten_with_his_key()
    {
        var honest = _server.ReadHead();
        _server.WriteHead("main", Forge(sequence: 2, created: new DateTimeOffset(9998, 1, 1, 0, 0, 0, TimeSpan.Zero)));
        await _device.UpdateAsync();
        _server.WriteHead("main", honest);
        _server.Publish("echo two > file");
        (await _device.RunAsync("update")).Error.Should().Contain("ended at", "time is not taken to be before what was proved");

        Rotate(replace: true);
        _server.Publish("echo three > file");
        await _device.TakeAsync();
    }

    [Fact]
    public async Task Dismissing_one_of_several_keys_rolls_nothing_back()
    {
        Rotate(replace: false);
        var old = _server.ReadHead();
        _server.Publish("echo two > file");
        await _device.TakeAsync();
        var mine = new SigningKeys([_old]);
        var three = new HeadStatement
        {
            Branch = BranchName.Parse("main"),
            Commit = _server.Data.Trust.Load().VerifyHead(_server.ReadHead(), BranchName.Parse("main")).Commit,
            Sequence = 3,
            Created = DateTimeOffset.UtcNow.AddMinutes(-1),
            Expires = DateTimeOffset.UtcNow.AddYears(1),
        };
        _server.WriteHead("main", mine.Sign(Envelope.Create(three.Encode(), []), _ => true).Bytes.ToArray());
        await _device.UpdateAsync();
        Install(new RootChange
        {
            Remove = [(Role.Release, _old.Public.Id)],
            Expires = DateTimeOffset.UtcNow.AddYears(1),
        });
        _server.WriteHead("main", old);

        (await _device.RunAsync("update")).Should().Match<CommandResult>(r => r.Code == 14 && r.Error.Contains("sequence 1 is lower than 2", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_host_of_plain_files_that_forbids_what_it_has_not_is_polled_all_the_same()
    {
        var two = _server.Publish("echo two > file");
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path.StartsWith("/api/", StringComparison.Ordinal))
                answer.Replace(404, "text/html", "<html>");
            else if (request.Path.EndsWith("/2.root.json", StringComparison.Ordinal))
                answer.Replace(403, "application/xml", "<Error/>");
        };
        await _device.TakeAsync();
        (await _device.RunAsync("ls", two.ToString())).Code.Should().Be(0);
    }

    [Fact]
    public async Task A_false_root_changes_nothing()
    {
        using var thief = SigningKey.Generate();
        var root = _server.Data.Trust.Load();
        var forged = thief.Sign(RootStatement.Of(thief.Public, thief.Public, 2, DateTimeOffset.UtcNow.AddYears(1))).Bytes.ToArray();
        Write("2.root.json", forged);
        Write("root.json", forged);
        var before = TrustFiles();

        var result = await _device.RunAsync("update");

        result.Code.Should().Be(14, result.Error);
        result.Error.Should().Contain("root 2");
        TrustFiles().Should().Be(before);
        Trusted().Fingerprint.Should().Be(root.Fingerprint);
    }

    [Fact]
    public async Task A_root_that_has_ended_leads_on_but_nothing_is_taken_under_it()
    {
        Install(new RootChange { Expires = DateTimeOffset.UtcNow.AddSeconds(-5) }, isInstalledByForce: true);
        _server.Publish("echo two > file");
        (await _device.RunAsync("update")).Should().Match<CommandResult>(r => r.Code == 14 && r.Error.Contains("root 2", StringComparison.Ordinal));
        Install(new RootChange { Expires = DateTimeOffset.UtcNow.AddYears(1) });
        await _device.TakeAsync();
        Trusted().Version.Should().Be(3);
    }

    [Fact]
    public async Task Set_up_again_with_the_root_it_began_with_it_stays_as_it_is()
    {
        var first = _server.TrustFile + ".first";
        File.Copy(_server.TrustFile, first);
        Rotate(replace: true);
        Rotate(replace: true);
        await _device.UpdateAsync();
        string[] init = ["init", "--server", _server.Link.Url, "--branch", "main", "--unprivileged"];
        (await _device.RunAsync([.. init, "--trust", first])).Code.Should().Be(0);
        (await _device.RunAsync([.. init, "--trust", _server.TrustFile])).Code.Should().Be(0);
        Trusted().Version.Should().Be(3);
        await using var other = await TestServer.StartAsync();
        (await _device.RunAsync([.. init, "--trust", other.TrustFile])).Code.Should().Be(18);
    }

    [Fact]
    public async Task A_stick_brings_the_new_keys_too()
    {
        Rotate(replace: true);
        var two = _server.Publish("echo two > file");
        _device.Configure($"mirrors = {_server.Data.Repository.Path}\n");
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        await _device.TakeAsync();
        Trusted().Version.Should().Be(2);
        (await _device.RunAsync("ls", two.ToString())).Code.Should().Be(0);
    }

    private TrustRoot Trusted() => TrustRoot.Load(File.ReadAllBytes(Path.Combine(_device.Layout.State, "trust/root.json")));

    private string TrustFiles() => Shell.Run("sha256sum *", Path.Combine(_device.Layout.State, "trust"));

    private byte[] Forge(long sequence, DateTimeOffset? created = null)
    {
        var at = created ?? DateTimeOffset.UtcNow;
        var present = _server.Data.Trust.LoadAll().Last().VerifyHead(_server.ReadHead(), BranchName.Parse("main"));
        var head = new HeadStatement { Branch = present.Branch, Commit = present.Commit, Sequence = sequence, Created = at, Expires = at.AddYears(1) };
        return new SigningKeys([_old]).Sign(Envelope.Create(head.Encode(), []), _ => true).Bytes.ToArray();
    }

    /// <summary>A new key for the root and the release role, beside the present ones or in their place.</summary>
    private void Rotate(bool replace)
    {
        var root = _server.Data.Trust.Load();
        var key = _server.Data.GenerateKey();
        string[] roles = [Role.Root, Role.Release];
        Install(new RootChange
        {
            Add = [.. roles.Select(role => (role, key))],
            Remove = replace ? [.. roles.SelectMany(role => root.Roles[role].KeyIds.Select(id => (role, id)))] : [],
            Expires = DateTimeOffset.UtcNow.AddYears(1),
        });
    }

    private void Install(RootChange change, bool isInstalledByForce = false)
    {
        var keys = _server.Data.LoadKeys();
        var present = _server.Data.Trust.Load();
        var next = keys.Sign(Envelope.Create(change.After(present).Encode(), []), _ => true);
        if (isInstalledByForce)
            _server.Data.Trust.Install(present.Next(next.Bytes.Span));
        else
            RootInstallation.Run(_server.Data, keys, next.Bytes.Span, TimeProvider.System);
    }

    private void Write(string name, byte[] bytes) => File.WriteAllBytes(Path.Combine(_server.Data.Repository.Path, "trust", name), bytes);
}
