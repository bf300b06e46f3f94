using System.Text.Json.Nodes;
using ContentTree.Deploy;
using ContentTree.Deploy.Config;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Deploy;

/// <summary>verify finds every kind of damage, repair mends it and fetches nothing but what is damaged.</summary>
public sealed class RepairTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private string _deployment = "", _path = "", _before = "";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("mkdir -p sub/deep; echo one > file; echo x > sub/x; cp sub/x sub/deep/x; chmod 600 sub/deep/x; ln -s file link; : > empty; echo other > other");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _deployment = _device.Deployments().Single();
        _path = Path.Combine(_device.Layout.Deployments, _deployment);
        _before = _device.Describe(_deployment);
        _server.Link.Reset();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task What_was_just_deployed_is_in_order()
    {
        foreach (var words in new[] { new[] { "verify" }, ["verify", "--full"], ["repair"] })
            (await _device.RunAsync(words)).Code.Should().Be(0);
        _server.Link.Requests.Should().BeEmpty("nothing has to be asked when nothing is damaged");
    }

    [Theory]
    [InlineData("rm file", "file: is missing")]
    [InlineData("echo more > sub/more", "sub/more: does not belong here")]
    [InlineData("mkdir sub/new", "sub/new: does not belong here")]
    [InlineData("chmod 700 sub", "sub: mode is 700")]
    [InlineData("chmod 4711 other", "other: mode is 4711")]
    [InlineData("rm link; ln -s /etc link", "link: leads elsewhere")]
    [InlineData("rm -r sub/deep; echo no > sub/deep", "sub/deep: is a file, not a directory")]
    [InlineData("rm file; mkdir file", "file: is a directory, not a file")]
    [InlineData("echo filled > empty", "empty: has 7 bytes")]
    [InlineData("rm file; echo two > file; touch -d @1 file", "file: has another content")]
    [InlineData("touch other", "other: was written to")]
    [InlineData("rm -r sub", "sub: is missing")]
    public async Task A_changed_deployment_is_found_and_mended(string change, string finding)
    {
        Support.Shell.Run($"set -e; cd '{_path}'; {change}");
        var found = await _device.RunAsync("verify");
        found.Code.Should().Be(14);
        found.Output.Should().Contain($"{_deployment}/{finding}");
        var repaired = await _device.RunAsync("repair");
        repaired.Code.Should().Be(0, repaired.Output + repaired.Error);
        _device.Describe(_deployment).Should().Be(_before);
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
        _server.Link.Requests.Should().BeEmpty("everything needed was in the store");
    }

    [Fact]
    public async Task A_flipped_stored_file_is_fetched_alone_and_linked_into_every_deployment()
    {
        _server.Publish("echo one > file; echo two > second");
        await _device.TakeAsync();
        _server.Link.Reset();
        Flip(_device.StoredFile("one\n"));
        (await _device.RunAsync("verify")).Code.Should().Be(0, "time, size and owner are right");
        var found = await _device.RunAsync("verify", "--full", "--json");
        found.Code.Should().Be(14);
        JsonNode.Parse(found.Output)!["damage"]!.AsArray().Should().ContainSingle();
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(14);
        Events().Should().ContainSingle(e => e.Kind == EventKind.Damaged, "the same again is no news").Which.Message.Should().StartWith("1 places: ");
        var repaired = await _device.JsonAsync("repair");
        (repaired["objects"]!.GetValue<int>(), repaired["paths"]!.GetValue<int>()).Should().Be((1, 2));
        _server.Link.Requests.Should().ContainSingle().Which.IsContent.Should().BeTrue();
        foreach (var name in _device.Deployments())
            File.ReadAllText(Path.Combine(_device.Layout.Deployments, name, "file")).Should().Be("one\n");
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_content_that_is_here_with_other_metadata_is_copied_not_fetched()
    {
        var stored = Directory.GetFiles(Path.Combine(_device.Root, "ctree/store/objects"), "*.file", SearchOption.AllDirectories)
            .GroupBy(path => Path.GetFileName(path)[..62]).Single(group => group.Count() == 2);
        Flip(stored.First());
        (await _device.RunAsync("repair")).Code.Should().Be(0);
        _server.Link.Requests.Should().BeEmpty();
        _device.Describe(_deployment).Should().Be(_before);
    }

    [Theory]
    [InlineData("*.tree")]
    [InlineData("*.commit")]
    public async Task Damaged_trees_and_commits_are_fetched_again(string pattern)
    {
        var objects = Directory.GetFiles(Path.Combine(_device.Root, "ctree/store/objects"), pattern, SearchOption.AllDirectories);
        foreach (var path in objects)
            Flip(path);
        (await _device.RunAsync("verify")).Code.Should().Be(14);
        var repaired = await _device.JsonAsync("repair");
        repaired["objects"]!.GetValue<int>().Should().Be(objects.Length);
        _server.Link.Requests.Should().HaveCount(objects.Length);
        _device.NothingIsFalse();
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
    }

    [Fact]
    public async Task Missing_objects_come_back()
    {
        foreach (var path in Directory.GetFiles(Path.Combine(_device.Root, "ctree/store/objects"), "*", SearchOption.AllDirectories))
            File.Delete(path);
        (await _device.RunAsync("repair")).Code.Should().Be(0);
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(0);
        _device.Describe(_deployment).Should().Be(_before);
    }

    [Fact]
    public async Task Without_a_server_nothing_is_removed_and_the_next_repair_mends()
    {
        Flip(_device.StoredFile("one\n"));
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        (await _device.RunAsync("repair")).Code.Should().Be(13);
        File.Exists(_device.StoredFile("one\n")).Should().BeTrue();
        _server.Link.Reset();
        (await _device.RunAsync("repair")).Code.Should().Be(0);
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task What_the_server_no_longer_has_stays_on_the_list_and_the_rest_is_mended()
    {
        Flip(_device.StoredFile("one\n"));
        Flip(_device.StoredFile("other\n"));
        var lost = Path.GetFileName(_device.StoredFile("other\n"))[..62];
        _server.Link.Spoil = (request, answer) =>
        {
            if (request.Path.Contains(lost))
                answer.Replace(404, "application/problem+json", "{}");
        };
        var result = await _device.RunAsync("repair");
        result.Code.Should().Be(14);
        result.Output.Should().Contain(lost);
        Events().Should().ContainSingle(e => e.Kind == EventKind.Damaged).Which.Message.Should().Contain("places stay damaged: ").And.Contain(lost);
        File.ReadAllText(Path.Combine(_path, "file")).Should().Be("one\n");
    }

    [Fact]
    public async Task A_lost_marker_and_a_lost_etc_are_made_again()
    {
        File.Delete(_path + ".ok");
        (await _device.RunAsync("verify")).Code.Should().Be(14);
        (await _device.RunAsync("repair")).Code.Should().Be(0);
        _device.Deployments().Should().Equal(_deployment);
        Directory.Delete(_path + ".etc", recursive: true);
        (await _device.RunAsync("verify")).Code.Should().Be(14);
        (await _device.RunAsync("repair")).Code.Should().Be(0);
        (await _device.RunAsync("verify")).Code.Should().Be(0);
    }

    [Fact]
    public async Task Rubbish_in_the_store_is_found_and_removed()
    {
        var rubbish = Path.Combine(_device.Root, "ctree/store/objects/ab/rubbish");
        File.WriteAllText(rubbish, "?");
        (await _device.RunAsync("verify", "--full")).Code.Should().Be(14);
        (await _device.RunAsync("repair")).Code.Should().Be(0);
        File.Exists(rubbish).Should().BeFalse();
    }

    // One bit, and the time set back: what a dying disk does.
    private static void Flip(string path)
    {
        var time = File.GetLastWriteTimeUtc(path);
        using (var file = File.Open(path, FileMode.Open, FileAccess.ReadWrite))
        {
            var first = file.ReadByte();
            file.Position = 0;
            file.WriteByte((byte)(first ^ 1));
        }
        File.SetLastWriteTimeUtc(path, time);
    }

    private IReadOnlyList<ReportEvent> Events()
    {
        var root = new DeviceRoot(_device.Root, true);
        using var device = ContentTree.Deploy.Device.Open(root, AgentConfig.Load(root), TimeProvider.System);
        return device.State.Events.Events;
    }
}
