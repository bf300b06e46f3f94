using ContentTree.Server.Compositions;
using ContentTree.Server.Fleet;
using ContentTree.Server.Publishing;
using ContentTree.Server.Trust;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Deploy;

/// <summary>Whoever has the composition key chooses among released parts, and nothing else.</summary>
public sealed class CompositionCheckTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private SigningKey _composer = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("mkdir etc opt; echo base > etc/os", "os");
        _server.Publish("echo one > scope", "scope", "1");
        _composer = SigningKey.Generate();
        File.WriteAllText(Path.Combine(_server.Data.Path, "online-keys/composition.pem"), _composer.ToPem());
        var present = _server.Data.Trust.Load();
        var next = new RootChange { Add = [(Role.Composition, _composer.Public)], Branches = ["fleet/"], Expires = DateTimeOffset.UtcNow.AddYears(1) }.After(present);
        RootInstallation.Run(_server.Data, _server.Data.LoadKeys(), _server.Data.LoadKeys().Sign(Envelope.Create(next.Encode(), []), _ => true).Bytes.Span, TimeProvider.System);
        Directory.Move(Path.Combine(_server.Data.Path, "keys"), Path.Combine(_server.Data.Path, "keys-elsewhere"));
        Directory.CreateDirectory(Path.Combine(_server.Data.Path, "keys"));
        Compose("/ = os\n/opt/scope = scope\n");
        _device = await TestDevice.EnrolledAsync(_server, "fleet/one");
        await _device.TakeAsync();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        _composer.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_server_composes_without_release_keys_and_devices_take_it()
    {
        PublishWithKeys("echo two > scope", "scope", "2");
        Compose("/ = os\n/opt/scope = scope\n");
        await _device.TakeAsync();
        File.ReadAllText(Path.Combine(_device.Layout.Deployments, _device.Deployments()[^1], "opt/scope/scope")).Should().Be("two\n");
        var composed = new TrustRoots(_server).Head("fleet/one");
        composed.IsReleased.Should().BeFalse();
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task Going_back_to_an_older_part_is_possible_on_purpose_and_not_by_a_replay()
    {
        PublishWithKeys("echo two > scope", "scope", "2");
        var before = _server.ReadHead("fleet/one");
        Compose("/ = os\n/opt/scope = scope@2\n");
        await _device.TakeAsync();
        Compose("/ = os\n/opt/scope = scope@1\n");
        await _device.TakeAsync();
        _server.WriteHead("fleet/one", before);
        (await _device.RunAsync("update")).Code.Should().Be(14);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_bundle_brings_the_proof_along(bool isDelta)
    {
        var from = new TrustRoots(_server).Head("fleet/one").Commit;
        PublishWithKeys("echo two > scope", "scope", "2");
        Compose("/ = os\n/opt/scope = scope\n");
        var bundle = Path.Combine(_server.Data.Path, "update.ctb");
        await ServerCommand.DoAsync(["--data", _server.Data.Path, "bundle", "--to", "fleet/one", .. isDelta ? ["--from", from.ToString()] : Array.Empty<string>(), bundle]);
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        var installed = await _device.RunAsync("bundle", "install", bundle);
        installed.Code.Should().Be(0, installed.Error);
        _device.Deployments().Should().HaveCount(2);
    }

    [Fact]
    public async Task What_is_in_the_store_already_is_looked_at_all_the_same()
    {
        _server.Data.Repository.Contains(new ObjectName(ObjectKind.Commit, new TrustRoots(_server).Head("os").Commit)).Should().BeTrue();
        var os = new TrustRoots(_server).Head("os");
        using var other = await TestDevice.EnrolledAsync(_server, "os");
        await other.TakeAsync();
        PublishWithKeys("mkdir etc; echo newer > etc/os", "os", "2");
        await other.TakeAsync();
        (await other.RunAsync("switch", "fleet/one")).Code.Should().Be(0);
        _server.WriteHead("fleet/one", _server.Sign(new HeadStatement { Branch = BranchName.Parse("fleet/one"), Commit = os.Commit, Sequence = 9, Created = DateTimeOffset.UtcNow, Expires = DateTimeOffset.UtcNow.AddYears(1) }, _composer));
        var refused = await other.RunAsync("update");
        refused.Code.Should().Be(14, refused.Error);
        refused.Error.Should().Contain("composed of nothing");
    }

    [Fact]
    public async Task A_thief_of_the_composition_key_uses_up_no_numbers_and_reveals_nothing()
    {
        var head = new TrustRoots(_server).Head("fleet/one");
        var seen = new SeenHeads(_server.Data, _server.Devices, TimeProvider.System);
        var device = _server.Devices.List(10).Single().Id;
        SeenHeadOutcome Take(ObjectId commit, long sequence) => seen.Take(device, new HeadProof(head.Branch, new RawJson(_server.Sign(new HeadStatement
        {
            Branch = head.Branch,
            Commit = commit,
            Sequence = sequence,
            Created = DateTimeOffset.UtcNow,
            Expires = DateTimeOffset.UtcNow.AddYears(1),
        }, _composer))));
        var lost = ObjectId.Of("lost"u8);
        FluentActions.Invoking(() => Take(lost, 1L << 50)).Should().Throw<VerificationException>();
        FluentActions.Invoking(() => Take(new TrustRoots(_server).Head("scope").Commit, head.Sequence + 3)).Should().Throw<VerificationException>("it is here, and fleet/one never was at it");
        Take(lost, head.Sequence + 3).Should().BeOfType<SeenHeadOutcome.Learnt>();
        PublishWithKeys("echo two > scope", "scope", "2");
        Compose("/ = os\n/opt/scope = scope\n");
        new TrustRoots(_server).Head("fleet/one").Sequence.Should().Be(head.Sequence + 4);
    }

    [Fact]
    public async Task Next_composition_keys_sign_what_the_one_before_left_only_when_somebody_says_so()
    {
        using var next = SigningKey.Generate();
        var keys = Path.Combine(_server.Data.Path, "online-keys");
        File.WriteAllText(Path.Combine(keys, "next.pem"), next.ToPem());
        var present = _server.Data.Trust.Load();
        var root = new RootChange { Add = [(Role.Composition, next.Public)], Remove = [(Role.Composition, _composer.Public.Id)], Expires = DateTimeOffset.UtcNow.AddYears(1) }.After(present);
        var release = SigningKeys.Load(ContentTree.Store.Posix.OpenDirectory(Path.Combine(_server.Data.Path, "keys-elsewhere")));
        var signed = release.Sign(Envelope.Create(root.Encode(), []), _ => true).Bytes.ToArray();
        FluentActions.Invoking(() => RootInstallation.Run(_server.Data, release, signed, TimeProvider.System)).Should().Throw<VerificationException>().WithMessage("*fleet/one*--resign*");
        RootInstallation.Run(_server.Data, release, signed, TimeProvider.System, signsComposed: true);
        new TrustRoots(_server).Head("fleet/one").IsReleased.Should().BeFalse();
        PublishWithKeys("echo two > scope", "scope", "2");
        Compose("/ = os\n/opt/scope = scope\n");
        await _device.TakeAsync();
    }

    [Fact]
    public Task A_commit_that_is_not_composed_is_refused() => RefusedAsync(commit => commit with { Source = new CommitSource(CommitSourceKind.Directory) }, "composed of nothing");

    [Fact]
    public Task A_tree_that_does_not_follow_from_the_parts_is_refused() => RefusedAsync((commit, writer) =>
    {
        using var encoder = new Lz4Encoder();
        var tree = new TreeGraft(writer.Repository.ReadTree, t => writer.Write(t, encoder), _ => Metadata.Plain(0x1ed))
            .Put(commit.Tree, [(EntryPath.Parse("etc/evil"), new TreeEntry.Symlink(EntryName.Create("evil"), Metadata.Plain(0), "/tmp"u8.ToArray()))]);
        return commit with { Tree = tree };
    }, "something else");

    [Fact]
    public Task A_barrier_cannot_be_added() => RefusedAsync(commit => commit with { Barrier = true }, "something else");

    [Fact]
    public Task Actions_cannot_be_added() => RefusedAsync(commit => commit with { Migrations = [new CommitMigration(1, "etc/os")] }, "something else");

    [Fact]
    public Task A_sequence_that_named_another_commit_proves_nothing() =>
        RefusedAsync(commit => Changed(commit, input => input.Path.Names.Count == 0 ? input with { Commit = _server.Data.Repository.Heads.ReadNewest(BranchName.Parse("scope")) is { } bytes ? new TrustRoots(_server).Verify(bytes, "scope").Commit : default } : input), "is about commit");

    [Fact]
    public Task A_position_that_never_was_proves_nothing() =>
        RefusedAsync(commit => Changed(commit, input => input with { Sequence = input.Sequence + 7 }), "there is no head", 17);

    [Fact]
    public async Task What_composition_keys_have_signed_is_no_part()
    {
        var composed = new TrustRoots(_server).Head("fleet/one");
        await RefusedAsync(commit => Changed(commit, input => input.Path.Names.Count == 0 ? input with { Branch = composed.Branch, Commit = composed.Commit, Sequence = composed.Sequence } : input), "release keys");
    }

    [Fact]
    public async Task A_branch_that_is_not_theirs_does_not_move_by_composition_keys()
    {
        using var other = await TestDevice.EnrolledAsync(_server, "os");
        await other.TakeAsync();
        var os = new TrustRoots(_server).Head("os");
        var composed = _server.Data.Repository.ReadCommit(new TrustRoots(_server).Head("fleet/one").Commit);
        Forge(composed with { Subject = "forged" }, "os", os.Sequence + 1);
        var refused = await other.RunAsync("update");
        refused.Code.Should().Be(14);
        refused.Error.Should().Contain("release");
    }

    private Task RefusedAsync(Func<Commit, Commit> change, string reason, int code = 14) => RefusedAsync((commit, _) => change(commit), reason, code);

    private async Task RefusedAsync(Func<Commit, ObjectWriter, Commit> change, string reason, int code = 14)
    {
        var head = new TrustRoots(_server).Head("fleet/one");
        var stored = Store();
        Forge(writer => change(_server.Data.Repository.ReadCommit(head.Commit) with { Subject = "forged" }, writer), "fleet/one", head.Sequence + 1);
        var refused = await _device.RunAsync("update");
        refused.Code.Should().Be(code, refused.Error);
        refused.Error.Should().Contain(reason);
        _device.Deployments().Should().HaveCount(1);
        Store().Should().Be(stored, "nothing of it came into the store");
        // The control: what differs only in words is taken.
        Forge(writer => _server.Data.Repository.ReadCommit(head.Commit) with { Subject = "in other words" }, "fleet/one", head.Sequence + 2);
        await _device.TakeAsync();
    }

    private string Store() => Support.Shell.Run("find objects -name '*.file' -o -name '*.commit' | sort", Path.Combine(_device.Root, "ctree/store"));

    private static Commit Changed(Commit commit, Func<CompositionInput, CompositionInput> change) =>
        commit with { Annotations = Composition.Create(Composition.Of(commit)!.Inputs.Select(change)).Annotations };

    private void Compose(string recipe)
    {
        new RecipeBook(_server.Data).Set("fleet/one", recipe);
        var composed = Composer.RunAll(_server.Data, TimeProvider.System, new RecipeBook(_server.Data).Load(), () => { }).Single();
        composed.Refusal.Should().BeNull();
        composed.IsNew.Should().BeTrue();
    }

    // Those of another machine.
    private void PublishWithKeys(string script, string branch, string version)
    {
        var (here, elsewhere) = (Path.Combine(_server.Data.Path, "keys"), Path.Combine(_server.Data.Path, "keys-elsewhere"));
        foreach (var key in Directory.GetFiles(elsewhere))
            File.Copy(key, Path.Combine(here, Path.GetFileName(key)));
        _server.Publish(script, branch, version);
        foreach (var key in Directory.GetFiles(here))
            File.Delete(key);
    }

    private void Forge(Commit commit, string branch, long sequence) => Forge(_ => commit, branch, sequence);

    // The thief of the composition key, on the server's disk.
    private void Forge(Func<ObjectWriter, Commit> make, string branch, long sequence)
    {
        ObjectId id;
        using (var writer = _server.Data.Repository.BeginWriting())
        {
            id = Publisher.WriteCommit(make(writer), writer);
            writer.Complete();
        }
        var head = new HeadStatement { Branch = BranchName.Parse(branch), Commit = id, Sequence = sequence, Created = DateTimeOffset.UtcNow, Expires = DateTimeOffset.UtcNow.AddYears(1) };
        _server.WriteHead(branch, _server.Sign(head, _composer));
    }

    private sealed class TrustRoots(TestServer server)
    {
        public VerifiedHead Head(string branch) => Verify(server.ReadHead(branch), branch);

        public VerifiedHead Verify(byte[] bytes, string branch) => server.Data.Trust.Load().VerifyHead(bytes, BranchName.Parse(branch));
    }
}
