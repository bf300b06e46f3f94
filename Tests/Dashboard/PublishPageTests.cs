using System.Formats.Tar;
using System.Net;
using ContentTree.Server.Auditing;
using ContentTree.Server.Drafts;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Server;

namespace ContentTree.Tests.Dashboard;

/// <summary>Publishing from the browser: to see first, then to move.</summary>
public sealed class PublishPageTests
{
    private static readonly BranchName Stable = BranchName.Parse("stable");

    [Fact]
    public async Task An_upload_is_shown_beside_the_branch_and_moves_it_only_when_somebody_says_so()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("etc/version", "one");
        var before = server.Publish();
        using var client = await PageClient.LogInAsync(server, TokenRole.Publisher);
        server.WriteSource("etc/version", "two");
        server.WriteSource("etc/new", "file");
        var draft = await UploadAsync(server, client, Archive(server));

        var page = await client.ReadAsync($"/publish/{draft.Id}");
        page.Should().Contain("/etc/new").And.Contain("waits for you").And.Contain("Publish to 0 devices");
        Head(server).Should().Be(before.Commit);
        Directory.GetFiles(server.Data.UploadPath, "upload-*").Should().BeEmpty();

        (await client.DoAsync($"/publish/{draft.Id}/confirm", ("reason", "tested here"))).Should().Contain("Published: stable is at #2").And.Contain("tested here").And.Contain("publish by user ada");
        Head(server).Should().Be(draft.Commit);
        new Audit(server.Data, server.Time).List(new AuditFilter(Subject: "stable"), 1).Single().Actor.Should().Be("user ada");
    }

    [Fact]
    public async Task A_bundle_of_another_server_is_shown_and_published_as_archives_are()
    {
        await using var other = await TestServer.StartAsync();
        other.WriteSource("etc/version", "from afar");
        var meant = other.Data.Repository.ReadCommit(other.Publish().Commit);
        var bundle = Path.Combine(other.DataPath, "update.ctb");
        await ServerCommand.DoAsync("--data", other.DataPath, "bundle", "--to", "stable", bundle);
        await using var server = await TestServer.StartAsync();
        server.WriteSource("etc/version", "one");
        server.Publish();
        using var client = await PageClient.LogInAsync(server, TokenRole.Publisher);
        (await client.ReadAsync("/publish")).Should().Contain("or bundle");
        var draft = await UploadAsync(server, client, await File.ReadAllBytesAsync(bundle));
        (await client.ReadAsync($"/publish/{draft.Id}")).Should().Contain("/etc/version").And.Contain("waits for you");
        (await client.DoAsync($"/publish/{draft.Id}/confirm")).Should().Contain("Published: stable is at #2");
        server.Data.Repository.ReadCommit(Head(server)!.Value).Tree.Should().Be(meant.Tree);
    }

    [Fact]
    public async Task A_draft_of_a_branch_that_has_moved_since_is_not_published()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("a", "one");
        server.Publish();
        using var client = await PageClient.LogInAsync(server, TokenRole.Publisher);
        server.WriteSource("a", "two");
        var draft = await UploadAsync(server, client, Archive(server));
        server.WriteSource("a", "three");
        var other = server.Publish();

        (await client.ReadAsync($"/publish/{draft.Id}")).Should().Contain("has moved since");
        (await client.DoAsync($"/publish/{draft.Id}/confirm")).Should().Contain("has moved since");
        Head(server).Should().Be(other.Commit);
    }

    [Fact]
    public async Task A_dropped_draft_and_one_that_failed_or_holds_nothing_new_move_nothing()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("a", "one");
        var before = server.Publish();
        using var client = await PageClient.LogInAsync(server, TokenRole.Publisher);
        (await UploadAsync(server, client, Archive(server))).State.Should().Be(DraftState.Unchanged);
        (await UploadAsync(server, client, "no archive of any kind"u8.ToArray())).State.Should().Be(DraftState.Failed);
        server.WriteSource("a", "two");
        var draft = await UploadAsync(server, client, Archive(server));
        await client.ReadAsync("/publish");
        await client.DoAsync($"/publish/{draft.Id}/drop");
        await client.DoAsync($"/publish/{draft.Id}/confirm");
        Head(server).Should().Be(before.Commit);
    }

    [Fact]
    public async Task An_upload_without_the_token_before_it_writes_nothing()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await PageClient.LogInAsync(server, TokenRole.Publisher);
        foreach (var token in new[] { null, "wrong" })
        {
            var answer = await client.UploadAsync("/publish/upload", token, "stable", "tree.tar", new byte[4096]);
            answer.StatusCode.Should().Be(HttpStatusCode.SeeOther);
            (await client.ReadAsync("/publish")).Should().Contain("not made for your session").And.Contain("None yet");
        }
        Directory.GetFiles(server.Data.UploadPath, "upload-*").Should().BeEmpty();
    }

    [Fact]
    public async Task Only_listed_directories_of_the_server_are_published_and_no_link_leads_out_of_them()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("a", "one");
        var listed = server["listed"];
        Directory.CreateDirectory(Path.Combine(listed, "tree"));
        await File.WriteAllTextAsync(Path.Combine(listed, "tree", "file"), "content");
        Directory.CreateSymbolicLink(Path.Combine(listed, "out"), server.Source);
        using var client = await PageClient.LogInAsync(server, TokenRole.Publisher);
        await client.ReadAsync("/publish");
        (await client.DoAsync("/publish/directory", ("branch", "stable"), ("path", server.Source))).Should().Contain("only what lies in a directory");
        (await client.DoAsync("/publish/git", ("branch", "stable"), ("repository", server.Source))).Should().Contain("only what lies in a directory");

        server.WriteSettings($"publish.directories = {listed}\n");
        foreach (var path in new[] { server.Source, Path.Combine(listed, "out"), Path.Combine(listed, "..", "source"), listed + "x", "relative" })
            (await client.DoAsync("/publish/directory", ("branch", "stable"), ("path", path))).Should().Contain("notice wrong", path);
        var answer = await client.PostAsync("/publish/directory", ("branch", "stable"), ("path", Path.Combine(listed, "tree")));
        (await FinishedAsync(server, answer)).State.Should().Be(DraftState.Ready);
    }

    [Fact]
    public async Task Work_that_ended_with_its_server_says_so()
    {
        await using var server = await TestServer.StartAsync();
        var drafts = new DraftTable(server.Data.OpenDatabase(), server.Time);
        var now = server.Time.GetUtcNow();
        drafts.Add(new Draft("0123", Stable, "x", "", "", "user ada", now, now, DraftState.Reading, "reading", ""));
        drafts.Find("0123").State.Should().Be(DraftState.Reading);
        server.Time.Ahead += TimeSpan.FromMinutes(3);
        drafts.Find("0123").State.Should().Be(DraftState.Failed);
    }

    [Fact]
    public async Task Where_release_keys_are_kept_elsewhere_nothing_is_read()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSettings("release.keys = external\n");
        using var client = await PageClient.LogInAsync(server, TokenRole.Publisher);
        (await client.ReadAsync("/publish")).Should().Contain("holds no release key");
        (await client.DoAsync("/publish/git", ("branch", "stable"), ("repository", "https://git.example.org/x.git"))).Should().Contain("holds no release key");
    }

    private static async Task<Draft> UploadAsync(TestServer server, PageClient client, byte[] archive)
    {
        await client.ReadAsync("/publish");
        return await FinishedAsync(server, await client.UploadAsync("/publish/upload", client.FormToken, "stable", "tree.tar", archive));
    }

    private static async Task<Draft> FinishedAsync(TestServer server, HttpResponseMessage answer)
    {
        answer.StatusCode.Should().Be(HttpStatusCode.SeeOther, await answer.Content.ReadAsStringAsync());
        var path = answer.Headers.Location!.ToString();
        path.Should().StartWith("/publish/");
        var drafts = new DraftTable(server.Data.OpenDatabase(), server.Time);
        for (var wait = 0; ; wait++)
        {
            if (drafts.Find(path["/publish/".Length..]) is { State: not DraftState.Reading } draft)
                return draft;
            wait.Should().BeLessThan(600, "a draft of a few bytes is read at once");
            await Task.Delay(100);
        }
    }

    private static byte[] Archive(TestServer server)
    {
        using var bytes = new MemoryStream();
        TarFile.CreateFromDirectory(server.Source, bytes, includeBaseDirectory: false);
        return bytes.ToArray();
    }

    private static ObjectId? Head(TestServer server) => new Branches(server.Data, server.Time).Read(Stable).Head?.Commit;
}
