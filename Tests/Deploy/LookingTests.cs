using System.Text;
using System.Text.Json.Nodes;

namespace ContentTree.Tests.Deploy;

/// <summary>The verbs that look into what is here: ls, cat, diff, config dump.</summary>
public sealed class LookingTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private string _first = "", _second = "";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _first = _server.Publish("mkdir sub; echo one > file; echo x > sub/x; ln -s file link; : > empty").ToString();
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _second = _server.Publish("mkdir sub; echo two! > file; echo x > sub/x; chmod 600 sub/x; echo new > added; : > empty").ToString();
        await _device.TakeAsync();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Ls_lists_a_directory_or_one_entry_by_prefix_or_deployment_name()
    {
        var root = await _device.JsonAsync("ls", _first[..8]);
        root["schema"]!.GetValue<string>().Should().Be("ctree.ls/1");
        Names(root).Should().Equal("empty", "file", "link", "sub");
        Names(await _device.JsonAsync("ls", $"2-{_second[..8]}", "/sub")).Should().Equal("x");
        var link = (await _device.JsonAsync("ls", _first, "link"))["entries"]![0]!;
        link["kind"]!.GetValue<string>().Should().Be("symlink");
        link["target"]!.GetValue<string>().Should().Be("file");
        (await _device.RunAsync("ls", _first)).Output.Should().Contain("-> file");
    }

    [Fact]
    public async Task What_is_not_there_is_not_found()
    {
        foreach (var words in new[] { new[] { "ls", _first, "/nothing" }, ["ls", new string('a', 64)], ["ls", "0123abcd"], ["cat", _first, "sub"], ["cat", _first, "file/x"], ["ls", _first[..7]] })
            (await _device.RunAsync(words)).Code.Should().Be(17, string.Join(' ', words));
    }

    [Fact]
    public async Task Cat_prints_the_bytes_and_nothing_else()
    {
        var file = await _device.RunAsync("cat", _second, "/file");
        Encoding.UTF8.GetString(file.Raw).Should().Be("two!\n");
        (file.Code, file.Output, file.Error).Should().Be((0, "", ""));
        (await _device.RunAsync("cat", _second, "empty")).Raw.Should().BeEmpty();
    }

    [Fact]
    public async Task Diff_ends_with_0_for_same_1_for_different_and_2_for_trouble()
    {
        (await _device.RunAsync("diff", _first, _first)).Code.Should().Be(0);
        var differ = await _device.RunAsync("diff", "--json", _first, _second);
        differ.Code.Should().Be(1);
        JsonNode.Parse(differ.Output)!["changes"]!.AsArray().Select(c => $"{c!["kind"]} {c["path"]}")
            .Should().Equal("added /added", "modified /file", "removed /link", "metadata /sub/x");
        (await _device.RunAsync("diff", _first, new string('a', 64))).Code.Should().Be(2);
        (await _device.RunAsync("diff", _first)).Code.Should().Be(2);
    }

    [Fact]
    public async Task Config_dump_prints_a_configuration_with_origins()
    {
        _device.Configure("[poll]\ninterval = 5min\nunheard-of = 1\n");
        var dump = await _device.RunAsync("config", "dump", "--origin");
        dump.Code.Should().Be(0);
        dump.Output.Should().Contain("interval = 5min").And.Contain("etc/ctree/agent.conf:").And.Contain("# default");
        dump.Error.Should().Contain("unknown setting poll.unheard-of");
        var again = await _device.JsonAsync("config", "dump");
        again["settings"]!.AsArray().Should().Contain(s => s!["key"]!.GetValue<string>() == "store.keep" && s["value"]!.GetValue<string>() == "2");
    }

    [Fact]
    public async Task A_configuration_that_cannot_be_used_is_wrong_usage_with_file_and_line()
    {
        _device.Configure("[poll]\ninterval = soon\n");
        var result = await _device.RunAsync("status");
        result.Code.Should().Be(2);
        result.Error.Should().Contain("agent.conf:8").And.Contain("poll.interval = soon");
    }

    [Fact]
    public async Task Every_verb_has_help_and_wrong_words_are_wrong_usage()
    {
        foreach (var verb in TestVerbs.All())
            (await _device.RunAsync([.. verb.Split(' '), "--help"])).Code.Should().Be(0, verb);
        (await _device.RunAsync("fly")).Code.Should().Be(2);
        (await _device.RunAsync("update", "--fast")).Code.Should().Be(2);
    }

    [Fact]
    public async Task Without_a_device_every_verb_that_needs_one_says_so()
    {
        using var nothing = new TestDevice();
        foreach (var words in new[] { new[] { "status" }, ["update"], ["gc"], ["log"], ["verify"], ["repair"], ["hold"], ["confirm"] })
            (await nothing.RunAsync(words)).Code.Should().Be(10, words[0]);
    }

    private static string[] Names(JsonNode list) => [.. list["entries"]!.AsArray().Select(e => e!["name"]!.GetValue<string>())];
}
