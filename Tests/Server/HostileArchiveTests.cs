using ContentTree.Server.Publishing;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>
/// Archives that mean harm, through import, and where that takes them through both checks, checkout, pull and deployment on a device. Beside all that lies a
/// directory which nobody touches.
/// </summary>
public sealed class HostileArchiveTests(HostileArchiveTests.Ground ground) : IClassFixture<HostileArchiveTests.Ground>
{
    public static TheoryData<string> Refused => [.. HostileArchives.Refused.Keys];

    public static TheoryData<string> Taken => [.. HostileArchives.Taken.Keys];

    [Fact]
    public void There_are_at_least_sixty_of_them() => (HostileArchives.Refused.Count + HostileArchives.Taken.Count).Should().BeGreaterThan(60);

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Refused))]
    public void What_no_tree_can_hold_is_refused_by_name_and_nothing_is_published(string what)
    {
        var (archive, reason) = HostileArchives.Refused[what];
        var before = ground.Outside();
        var publish = () => ground.Publish(archive, "refused");
        var refusal = publish.Should().Throw<UnsupportedSourceException>().Which.Message;
        reason.Split('|').Should().Contain(part => refusal.Contains(part, StringComparison.Ordinal), refusal);
        ground.Server.Data.Repository.Heads.ReadNewest(BranchName.Parse("refused")).Should().BeNull();
        ground.Outside().Should().Be(before);
    }

    [Theory]
    [Trait("Category", "Slow")]
    [MemberData(nameof(Taken))]
    public async Task What_is_taken_is_the_same_everywhere_and_nothing_outside_is_touched(string what)
    {
        var before = ground.Outside();
        var commit = ground.Publish(HostileArchives.Taken[what], "main");
        RepositoryCheck.Run(ground.Server.Data.Repository).Damage.Should().BeEmpty();
        var made = ground.Directory[$"work/{Guid.NewGuid():N}"];
        RepositoryCheckout.Run(ground.Server.Data.Repository, ground.Server.Data.Repository.ReadCommit(commit).Tree, made);
        await ground.Device.TakeAsync();
        (await ground.Device.RunAsync("verify", "--full")).Code.Should().Be(0);
        var newest = ground.Device.Deployments().MaxBy(name => long.Parse(name.Split('-')[0], System.Globalization.CultureInfo.InvariantCulture))!;
        var deployed = Path.Combine(ground.Device.Layout.Deployments, newest);
        Names(deployed).Should().Be(Names(made)).And.NotBeEmpty();
        ground.Outside().Should().Be(before);
    }

    // Names, kinds, targets and contents: a device without root gives files modes of its own.
    private static string Names(string path) => Shell.Run(
        $"cd '{path}' && find . -mindepth 1 -printf '%P %y %l\\0' | LC_ALL=C sort -z | tr '\\0' '\\n' && find . -type f -print0 | LC_ALL=C sort -z | xargs -0 -r sha256sum --");

    /// <summary>One server and one device for all cases, and a directory beside them that nobody may touch.</summary>
    public sealed class Ground : IAsyncLifetime
    {
        private int _archives;

        public TemporaryDirectory Directory { get; } = new();

        internal Deploy.TestServer Server { get; private set; } = null!;

        internal Deploy.TestDevice Device { get; private set; } = null!;

        public async Task InitializeAsync()
        {
            System.IO.Directory.CreateDirectory(Directory["work"]);
            System.IO.Directory.CreateDirectory(Directory["outside"]);
            Shell.Run("echo secret > outside/passwd; chmod 600 outside/passwd; mkdir outside/etc; echo theirs > outside/etc/shadow", Directory.Path);
            Server = await Deploy.TestServer.StartAsync();
            Server.Publish("echo one > file");
            System.IO.Directory.CreateDirectory(Directory["work/device"]);
            Device = new Deploy.TestDevice(Directory["work/device"]);
            (await Device.RunAsync("init", "--server", Server.Link.Url, "--branch", "main", "--token", Server.Token(), "--unprivileged")).Code.Should().Be(0);
        }

        public async Task DisposeAsync()
        {
            Device.Dispose();
            await Server.DisposeAsync();
            Directory.Dispose();
        }

        internal ObjectId Publish(byte[] archive, string branch)
        {
            var path = Directory[$"work/{++_archives}.tar"];
            File.WriteAllBytes(path, archive);
            return new Publisher(Server.Data, TimeProvider.System).Publish(new PublishOptions { Branch = BranchName.Parse(branch), Source = path }, CancellationToken.None).Commit;
        }

        // The time of a change nobody can set: whatever touches an inode shows.
        internal string Outside() => Shell.Run("find outside /etc/passwd -printf '%p %y %m %U %G %s %n %T@ %C@ %l\\n' | LC_ALL=C sort; find outside -type f -exec cat {} +; ls -A", Directory.Path);
    }
}
