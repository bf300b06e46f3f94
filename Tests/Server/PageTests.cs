using System.Net;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Server;

/// <summary>The lines of docs/operations.md and docs/format/repository.md, run as they stand there.</summary>
public sealed class PageTests
{
    [Fact]
    public async Task The_lines_for_checking_by_hand_find_the_damaged_object_and_no_other()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("a/file", "one");
        server.WriteSource("empty", "");
        server.Publish();
        var lines = TestFiles.Block(TestFiles.Page("format/repository.md"), "## Checking by hand", "sh");
        var repository = Path.Combine(server.DataPath, "repo");
        Shell.Run(lines, repository).Should().BeEmpty();
        var name = new ObjectName(ObjectKind.File, ObjectId.Of("one"u8));
        Shell.Run($"printf X | dd of='{name.RelativePath}' bs=1 seek=17 conv=notrunc status=none", repository);
        Shell.Run(lines, repository).Should().Be(name.RelativePath + "\n");
    }

    [Fact]
    public async Task What_the_layout_names_is_there_and_nothing_else()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish("a/b");
        var page = TestFiles.Page("format/repository.md");
        foreach (var entry in Directory.GetFileSystemEntries(Path.Combine(server.DataPath, "repo")).Select(Path.GetFileName))
            page.Should().MatchRegex($@"(?m)^(\S+, )*{entry}\b", "the page's layout names every entry");
        Directory.GetDirectories(Path.Combine(server.DataPath, "repo/objects")).Should().HaveCount(256);
    }

    [Fact]
    public async Task The_backup_lines_make_a_copy_that_serves_after_a_restore()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var published = server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync(server.NewToken(TokenRole.Enrol));
        var lines = TestFiles.Block(TestFiles.Page("operations.md"), "## Backup", "sh").Replace("ctree-server", $"dotnet '{ServerProcess.Program}'", StringComparison.Ordinal)
            .Replace("/srv/ctree", server.DataPath, StringComparison.Ordinal).Replace("/srv/new", server["new"], StringComparison.Ordinal)
            .Replace("/mnt", server["mnt"], StringComparison.Ordinal).Replace("/media/stick", server["mnt"], StringComparison.Ordinal)
            .Replace("https://updates.example.org", server.Url, StringComparison.Ordinal);
        Directory.CreateDirectory(server["mnt"]);

        Shell.Run($"set -eu; export CTREE_TOKEN='{server.Admin}' XDG_CACHE_HOME='{server["cache"]}'; {lines}");

        File.Exists(server["mnt/ctree.tar"]).Should().BeTrue();
        var copy = server["new"];
        await ServerCommand.DoAsync("--data", copy, "fsck");
        (await ServerCommand.DoAsync("--data", copy, "device", "list")).Out.Should().Contain(device.Id.ToString());
        server.WriteSource("file", "two");
        var next = await ServerCommand.DoAsync("--data", copy, "publish", "--branch", "stable", server.Source);
        next.Error.Should().Contain("sequence 2");
        (await ServerCommand.DoAsync("--data", copy, "log", "stable")).Out.Should().Contain(published.Commit.ToString()[..12]);
    }

    [Fact]
    public async Task Nginx_serves_the_repository_and_passes_devices_and_publishers_on()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        var port = Nginx.FreePort();
        var page = TestFiles.Block(TestFiles.Page("operations.md"), "## Behind a proxy", "nginx")
            .Replace("listen 8080;", $"listen 127.0.0.1:{port};", StringComparison.Ordinal)
            .Replace("root /srv/ctree;", $"root {server.DataPath};", StringComparison.Ordinal)
            .Replace("http://127.0.0.1:8480", server.Url, StringComparison.Ordinal);
        using var nginx = await Nginx.StartAsync(server["nginx"], page, port);
        var url = $"http://127.0.0.1:{port}";
        var published = await ServerCommand.DoAsync("publish", "--server", url, "--token", server.Admin, "--cache", server.Cache, "--branch", "stable/a", server.Source);
        ObjectId.TryParse(published.LastLine, out var commit).Should().BeTrue();

        using var http = new HttpClient { BaseAddress = new Uri(url) };
        foreach (var route in new[] { Routes.RepositoryObject(new ObjectName(ObjectKind.Commit, commit)), Routes.Head(BranchName.Parse("stable/a")), Routes.ArchivedHead(BranchName.Parse("stable/a"), 1), Routes.TrustRoot, Routes.TrustRootVersion(1) })
        {
            using var answer = await http.GetAsync(route);
            (await answer.Content.ReadAsByteArrayAsync()).Should().Equal(await server.Http.GetByteArrayAsync(route), route);
            answer.Headers.CacheControl!.Public.Should().BeTrue();
        }
        foreach (var route in new[] { "/server.db", "/keys/release.pem", "/repo/lock", "/repo/staging/", "/repo/objects/", "/repo/heads/", "/repo/objects/../../server.db", "/repo/trust/..%2f..%2fserver.db" })
            (await http.GetAsync(route)).StatusCode.Should().BeOneOf([HttpStatusCode.NotFound, HttpStatusCode.BadRequest], route);

        using var device = new TestDevice(server) { Through = http };
        (await device.EnrolAsync(server.NewToken(TokenRole.Enrol), "stable/a")).StatusCode.Should().Be(HttpStatusCode.OK);
        (await device.PollAsync("stable/a")).StatusCode.Should().Be(HttpStatusCode.OK);
    }
}
