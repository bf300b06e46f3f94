using System.Formats.Tar;
using System.Text.RegularExpressions;
using ContentTree.Server.Dashboard;
using ContentTree.Server.Drafts;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Fleet.Groups;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Dashboard;

/// <summary>
/// What devices, publishers and people write into less usual places (what a device is made of, its /etc, packages, git, file names, values,
/// labels, notes) is text on every page that shows it. `Browser.StoredScriptTests` has the usual ones in a real browser.
/// </summary>
public sealed class StoredTextTests : IAsyncLifetime, IDisposable
{
    private const string Git = "set -e; export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@e GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@e; ";

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private PageClient _client = null!;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("file", "one");
        _server.Publish();
        _device = new TestDevice(_server);
        await _device.EnrolAsync(_server.NewToken(TokenRole.Enrol));
        _client = await PageClient.LogInAsync(_server);
    }

    public async Task DisposeAsync() => await _server.DisposeAsync();

    public void Dispose()
    {
        _client.Dispose();
        _device.Dispose();
    }

    [Fact]
    public async Task No_page_shows_a_text_from_anywhere_as_anything_but_text()
    {
        await DeviceSpeaksAsync();
        await PeopleWriteAsync();
        var commits = await GitIsPublishedAsync();
        var (before, after) = (Publish(31, "one"), Publish(33, "two"));
        var (ready, failed) = (await UploadAsync(51, isArchive: true), await UploadAsync(53, isArchive: false));

        var all = "";
        foreach (var path in new[]
        {
            "/", "/devices", "/devices.csv", $"/devices/{_device.Id}", "/devices?filter=" + Uri.EscapeDataString(Filter(99)), "/approvals", "/branches", "/branches/stable", "/branches/git", "/log/stable", "/log/git",
            $"/commits/{commits.Before}", $"/commits/{commits.After}", $"/diff?a={commits.Before}&b={commits.After}", $"/commits/{before}", $"/commits/{after}", $"/diff?a={before}&b={after}",
            "/groups", "/groups/lab", "/configuration", "/configuration/group:lab", $"/configuration/device:{_device.Id}", "/plans", "/rollouts", "/publish", $"/publish/{ready.Id}", $"/publish/{failed.Id}",
            "/storage", "/audit", "/audit?q=" + Uri.EscapeDataString(Payload(98)), "/users", "/tokens", "/webhooks", "/reference", "/account",
        })
        {
            var page = await _client.ReadAsync(path);
            if (path != "/devices.csv")
            {
                page.Should().NotMatchRegex("(?i)<script>alert|<img src=x|[\"'] autofocus|<b onclick", path);
                Regex.Count(page, "<script").Should().Be(1, $"{path} has its own script alone");
            }
            all += page;
        }
        foreach (var (number, what) in new[]
        {
            (1, "the agent"), (2, "the kernel"), (3, "a path of /etc"), (4, "the message of an event"), (11, "a label"), (12, "a key's description"), (13, "a value of the fleet"), (14, "a value of a group"), (15, "a value of a device"),
            (16, "a reason for a value"), (17, "the name of a kept filter"), (18, "the reason of a hold"), (21, "a git ref"), (22, "a git subject"), (24, "a file of git"), (31, "a package"), (34, "a version of a package"), (35, "a file's name"),
            (51, "the name of an upload"), (52, "a file's name in an upload"), (53, "the name of an upload that failed"),
        })
            all.Should().Contain($"alert({number})", $"{what} is there to be read");
    }

    // No slash: files and branches of git are called so too.
    private static string Payload(int number) => $"x\" autofocus onfocus=alert({number}) y='><script>alert({number})<img src=x onerror=alert({number})><b onclick=alert({number})>";

    private static string Filter(int number) => $"label.site==\"{Payload(number).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    private static string Quoted(int number) => "'" + Payload(number).Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    private async Task DeviceSpeaksAsync()
    {
        (await _device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 0, Inventory: new DeviceInventory(Payload(1), Payload(2), 1 << 30, 1 << 30, 1 << 29),
            Drift: new DeviceDrift(1, 0, 0, ["+/etc/" + Payload(3)])))).EnsureSuccessStatusCode();
        (await _device.ReportAsync(new ReportEvent(1, _server.Time.GetUtcNow(), EventKind.Failed, null, null, 1, Payload(4)))).EnsureSuccessStatusCode();
    }

    private async Task PeopleWriteAsync()
    {
        var groups = new Groups(_server.Data.OpenDatabase(), _server.Time);
        groups.Label(_device.Id, new Dictionary<string, string?> { ["site"] = Payload(11) });
        groups.Set(GroupName.Parse("lab"), null, Filter(97));
        var changes = new ConfigurationChanges(_server.Data, _server.Data.OpenDatabase(), _server.Time);
        changes.Define(ConfigurationKey.Parse("motto"), new ConfigurationKeyRequest("text", false, Payload(12)));
        foreach (var (scope, number) in new[] { ("fleet", 13), ("group:lab", 14), ($"device:{_device.Id}", 15) })
            changes.Set(ConfigurationScope.Parse(scope), new ConfigurationRequest(new Dictionary<string, string?> { ["motto"] = Payload(number) }, Payload(16)), Payload(96));
        await _client.ReadAsync("/devices?q=x");
        await _client.PostAsync("/devices/filters/keep?q=x", ("name", $"<script>alert(17)<img src=x>"));
        await ServerCommand.DoAsync("--data", _server.DataPath, "device", "hold", _device.Id.ToString(), "--reason", Payload(18));
    }

    private async Task<(string Before, string After)> GitIsPublishedAsync()
    {
        var tag = "x<script>alert(21)<img";
        Shell.Run(Git + $"""
            git init -q -b main repo; cd repo; echo one > file; git add -A; git commit -qm first; git tag first
            echo two > {Quoted(24)}; git add -A; git commit -qam {Quoted(22)}; git tag -am tag '{tag}'
            """, _server.Source);
        var repository = Path.Combine(_server.Source, "repo");
        var before = (await ServerCommand.DoAsync("--data", _server.DataPath, "publish", "--branch", "git", $"git:{repository}#first")).LastLine;
        var after = (await ServerCommand.DoAsync("--data", _server.DataPath, "publish", "--branch", "git", $"git:{repository}#{tag}")).LastLine;
        Directory.Delete(repository, recursive: true);
        return (before, after);
    }

    private ObjectId Publish(int number, string content)
    {
        _server.WriteSource("var/lib/dpkg/status", $"Package: {Payload(31)}\nStatus: install ok installed\nVersion: {Payload(number + 1)}\nArchitecture: all\n");
        _server.WriteSource(Payload(35), content);
        return _server.Publish().Commit;
    }

    private async Task<Draft> UploadAsync(int number, bool isArchive)
    {
        _server.WriteSource(Payload(number + 1), "new");
        using var archive = new MemoryStream();
        await TarFile.CreateFromDirectoryAsync(_server.Source, archive, includeBaseDirectory: false);
        await _client.ReadAsync("/publish");
        var answer = await _client.UploadAsync("/publish/upload", _client.FormToken, "stable", Payload(number).Replace('"', '\''), isArchive ? archive.ToArray() : [1, 2, 3]);
        var id = answer.Headers.Location!.ToString()["/publish/".Length..];
        var drafts = new DraftTable(_server.Data.OpenDatabase(), _server.Time);
        await Eventually.TrueAsync(() => drafts.Find(id).State != DraftState.Reading);
        drafts.Find(id).State.Should().Be(isArchive ? DraftState.Ready : DraftState.Failed);
        return drafts.Find(id);
    }
}
