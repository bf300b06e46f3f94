using ContentTree.Server.Publishing;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>A developer's key: taken where somebody with root on the device said so, for branches of developers, and nowhere else.</summary>
public sealed class DeveloperKeyTests : IAsyncLifetime
{
    private TemporaryDirectory _directory = null!;
    private SigningKey _anna = null!;
    private TestServer _server = null!;
    private TestDevice _device = null!;

    private string AnnasKey => Path.Combine(_directory.Path, "anna.pub");

    public async Task InitializeAsync()
    {
        (_directory, _anna) = (new TemporaryDirectory(), SigningKey.Generate());
        _server = await TestServer.StartAsync();
        _server.Publish("echo released > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        File.WriteAllText(AnnasKey, _anna.Public.Pem);
        Install(new RootChange { Add = [(Role.Developer, _anna.Public)], Expires = DateTimeOffset.UtcNow.AddYears(1) });
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
        _anna.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task A_device_that_was_told_to_runs_what_a_developer_signs_and_says_so_everywhere()
    {
        var commit = Develop("echo mine > file");
        (await _device.RunAsync("key", "trust", AnnasKey)).Should().Match<CommandResult>(r => r.Code == 0 && r.Error.Contains("DEVELOPMENT UNIT", StringComparison.Ordinal));
        (await _device.RunAsync("switch", "dev/anna")).Code.Should().Be(0);
        await _device.TakeAsync();

        _device.OpenStore().ContainsCommit(commit).Should().BeTrue();
        (await _device.RunAsync("status")).Unwrapped.Should().Contain("no production device").And.Contain(_anna.Id.ToString());
        (await _device.JsonAsync("status"))["developers"]!.AsArray().Should().ContainSingle();
        _server.Devices.List(10).Single().Developer.Should().BeTrue();
        (await Server.ServerCommand.DoAsync("--data", _server.Data.Path, "device", "list")).Out.Should().Contain("(development)");

        (await _device.RunAsync("switch", "main")).Code.Should().Be(0);
        await _device.TakeAsync();
    }

    [Fact]
    public async Task Any_other_device_refuses_it_and_keeps_what_it_trusts()
    {
        await _device.UpdateAsync();
        Develop("echo mine > file");
        var before = TrustFiles();
        (await _device.RunAsync("switch", "dev/anna")).Code.Should().Be(14);
        TrustFiles().Should().Be(before);
        (await _device.JsonAsync("status"))["developers"].Should().BeNull();
        _server.Devices.List(10).Single().Developer.Should().BeNull();
    }

    [Fact]
    public async Task A_key_that_the_root_does_not_name_counts_for_nothing_whatever_the_device_was_told()
    {
        using var eve = SigningKey.Generate();
        File.WriteAllText(AnnasKey, eve.Public.Pem);
        (await _device.RunAsync("key", "trust", AnnasKey)).Code.Should().Be(0);
        Develop("echo mine > file");
        (await _device.RunAsync("switch", "dev/anna")).Code.Should().Be(14, "anna's is named, and not trusted here");
        _server.MoveHead(Head("main").Commit, "dev/eve");
        _server.WriteHead("dev/eve", _server.Sign(Statement("dev/eve", Head("main").Commit, 2), eve));
        (await _device.RunAsync("switch", "dev/eve")).Code.Should().NotBe(0, "eve's is trusted, and not named");
    }

    [Fact]
    public async Task Other_branches_stay_those_of_the_release_keys()
    {
        (await _device.RunAsync("key", "trust", AnnasKey)).Code.Should().Be(0);
        _server.WriteHead("main", _server.Sign(Statement("main", Head("main").Commit, 9), _anna));
        (await _device.RunAsync("update")).Code.Should().Be(14);
    }

    [Fact]
    public async Task Taken_back_here_or_by_the_next_root_it_counts_no_more()
    {
        Develop("echo mine > file");
        (await _device.RunAsync("key", "trust", AnnasKey)).Code.Should().Be(0);
        (await _device.RunAsync("switch", "dev/anna")).Code.Should().Be(0);
        await _device.TakeAsync();
        var runs = (await _device.JsonAsync("status"))["booted"]!.GetValue<string>();

        (await _device.RunAsync("key", "distrust", _anna.Id.ToString())).Code.Should().Be(0);
        (await _device.RunAsync("update")).Code.Should().Be(14);
        (await _device.JsonAsync("status"))["booted"]!.GetValue<string>().Should().Be(runs, "what runs goes on running");
        (await _device.RunAsync("key", "distrust", _anna.Id.ToString())).Code.Should().Be(17);

        (await _device.RunAsync("key", "trust", AnnasKey)).Code.Should().Be(0);
        await _device.UpdateAsync();
        var root = _server.Data.Trust.Load();
        var dismissed = new RootChange { Remove = [(Role.Developer, _anna.Id)], Expires = DateTimeOffset.UtcNow.AddYears(1) };
        _server.Data.Trust.Install(root.Next(_server.Data.LoadKeys().Sign(Envelope.Create(dismissed.After(root).Encode(), []), _ => true).Bytes.Span));
        (await _device.RunAsync("update")).Code.Should().NotBe(0);
        (await _device.RunAsync("switch", "main")).Code.Should().Be(0);
        await _device.UpdateAsync();
    }

    [Fact]
    public void It_signs_no_root_no_assignment_no_timestamp_and_no_other_branch()
    {
        var root = _server.Data.Trust.Load();
        var head = _anna.Sign(Statement("dev/anna", Head("main").Commit, 1)).Bytes.ToArray();
        root.VerifyHead(head, BranchName.Parse("dev/anna")).IsDeveloped.Should().BeTrue("that is what it is for");
        Refused(() => root.WithDevelopers(_ => false).VerifyHead(head, BranchName.Parse("dev/anna")));
        Refused(() => TrustRoot.Load(root.Envelope.Bytes.Span).VerifyHead(head, BranchName.Parse("dev/anna")));
        foreach (var other in new[] { "main", "dev", "developers/x", "xdev/anna" })
            Refused(() => root.VerifyHead(_anna.Sign(Statement(other, Head("main").Commit, 1)).Bytes.Span, BranchName.Parse(other)));
        var next = new RootChange { Expires = DateTimeOffset.UtcNow.AddYears(1) }.After(root);
        Refused(() => root.Next(_anna.Sign(next).Bytes.Span));
        var now = DateTimeOffset.UtcNow;
        Refused(() => root.VerifyTimestamp(_anna.Sign(new TimestampStatement { Branch = BranchName.Parse("dev/anna"), Head = Head("main").Id, Sequence = 1, Created = now, Expires = now.AddDays(1) }).Bytes.Span, BranchName.Parse("dev/anna")));
        Refused(() => root.VerifyAssignment(_anna.Sign(new AssignmentStatement
        {
            Device = _anna.Id,
            Branch = BranchName.Parse("dev/anna"),
            Counter = 1,
            Created = now,
            Expires = now.AddDays(1),
            Action = AssignmentAction.Hold,
            Reason = "",
        }).Bytes.Span));
    }

    private static void Refused(Action verify) => verify.Should().Throw<VerificationException>().Which.Failure.Should().BeOneOf(VerificationFailure.NotSigned, VerificationFailure.UnknownRole);

    private ObjectId Develop(string script)
    {
        var source = _directory["source"];
        Directory.CreateDirectory(source);
        Shell.Run($"set -e; umask 022; cd '{source}'; {script}");
        var options = new PublishOptions { Branch = BranchName.Parse("dev/anna"), Source = source, Signers = [new FileSigner(_anna.ToPem())] };
        var commit = new Publisher(_server.Data, TimeProvider.System).Publish(options, CancellationToken.None).Commit;
        Head("dev/anna").IsDeveloped.Should().BeTrue("a release key that lies there too has not signed it");
        return commit;
    }

    private VerifiedHead Head(string branch) => _server.Data.Trust.Load().VerifyHead(_server.ReadHead(branch), BranchName.Parse(branch));

    private static HeadStatement Statement(string branch, ObjectId commit, long sequence) => new()
    {
        Branch = BranchName.Parse(branch),
        Commit = commit,
        Sequence = sequence,
        Created = DateTimeOffset.UtcNow.AddMinutes(-1),
        Expires = DateTimeOffset.UtcNow.AddYears(1),
    };

    private string TrustFiles() => Shell.Run("sha256sum *", Path.Combine(_device.Layout.State, "trust"));

    private void Install(RootChange change)
    {
        var next = _server.Data.LoadKeys().Sign(Envelope.Create(change.After(_server.Data.Trust.Load()).Encode(), []), _ => true);
        RootInstallation.Run(_server.Data, _server.Data.LoadKeys(), next.Bytes.Span, TimeProvider.System);
    }
}
