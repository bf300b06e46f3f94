using System.Net;
using System.Text.Json.Nodes;
using ContentTree.Server.Monitoring.Export;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Server;

/// <summary>What monitoring systems read of the fleet, as their own programs see it.</summary>
public sealed class MonitoringExportTests : IAsyncLifetime
{
    // Each would be more than a name in some file.
    private static readonly string[] Hostile =
    [
        "}\ndefine command {", "x; y $USER1$ `id`", "a\\", "\"} object Host \"evil\" { //", "*/ {{{ }}}", "a!b|c", "=const X", " ", "l\u00fcneburg-7", "#", "object",
    ];

    private readonly List<TestDevice> _devices = [];
    private TestServer _server = null!;
    private ObjectId _commit;

    private string Page { get; } = TestFiles.Page("monitoring.md");

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.WriteSource("usr/lib/ctree/monitors.d/base.conf", TestFiles.Block(Page, "## What is looked at on devices", "ini"));
        _server.WriteSource("usr/lib/ctree/monitors.d/wrong.conf", "[a]\ncommand = x\nargument = $(reboot)\n");
        _server.WriteSource("usr/lib/ctree/monitors.d/README", "no definitions");
        _commit = _server.Publish().Commit;
        foreach (var name in Hostile)
        {
            var device = new TestDevice(_server);
            _devices.Add(device);
            // Control characters are refused where a device enrols; what stands in the database all the same must do no harm either.
            (await device.EnrolAsync(_server.NewToken(TokenRole.Enrol), name: name.Replace('\n', ' '))).EnsureSuccessStatusCode();
            _server.Data.OpenDatabase().Connect().Execute("UPDATE devices SET name = $name, hardware = $name WHERE id = $id", ("$id", device.Id), ("$name", name));
            (await device.PollAsync(new PollRequest(BranchName.Parse("stable"), "good", 1, 1, Running: _commit))).EnsureSuccessStatusCode();
        }
    }

    public async Task DisposeAsync()
    {
        _devices.ForEach(d => d.Dispose());
        await _server.DisposeAsync();
    }

    [JudgeFact]
    public async Task The_lines_of_the_page_for_prometheus_are_good()
    {
        var directory = Directory.CreateDirectory(_server["prometheus"]).FullName;
        File.WriteAllText(Path.Combine(directory, "ctree-token"), _server.Admin);
        File.WriteAllText(Path.Combine(directory, "prometheus.yml"), TestFiles.Block(Page, "## Prometheus", "yaml").Replace("http://127.0.0.1:8480", _server.Url, StringComparison.Ordinal).Replace("127.0.0.1:8480", new Uri(_server.Url).Authority, StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(directory, "ctree-rules.yml"), (await ServerCommand.DoAsync("monitoring", "rules", "--server", _server.Url, "--token", _server.Admin)).Out);
        await ServerCommand.DoAsync("--data", _server.DataPath, "group", "set", "lab", "--filter", "branch==stable");
        await ServerCommand.DoAsync("--data", _server.DataPath, "backup", _server["backup.tar"]);
        var lines = TestFiles.Block(Page, "## Prometheus", "sh").Split('\n').Where(l => l.StartsWith("promtool", StringComparison.Ordinal));
        Judge(directory, string.Join(" && ", lines)).Should().Contain("SUCCESS: 12 rules found").And.Contain("prometheus.yml is valid");
        // It asks the server as Prometheus would, and says what it made of each target.
        var seen = Judge(directory, "promtool check service-discovery --timeout=10s prometheus.yml ctree-devices");
        JsonNode.Parse(seen)!.AsArray().Should().HaveCount(_devices.Count, seen);
        var used = System.Text.RegularExpressions.Regex.Matches(PrometheusRules.Text, "ctree_[a-z_]+").Select(m => m.Value).Distinct();
        (await (await _server.SendAsync(HttpMethod.Get, "/metrics", token: _server.Admin)).Content.ReadAsStringAsync()).Should().ContainAll(used.Select(metric => $"# TYPE {metric} "));
    }

    [JudgeFact]
    public async Task Nagios_takes_the_objects_and_finds_no_others_whatever_devices_call_themselves()
    {
        var directory = Directory.CreateDirectory(_server["nagios"]).FullName;
        Label(0, ("monitor.disk-root", "off"));
        Label(1, ("monitor.extra", "check_http_port!81"), ("monitor.bad", "x!;y"));
        var printed = (await ServerCommand.DoAsync("monitoring", "nagios", "--server", _server.Url, "--token", _server.Admin)).Out;
        printed.Should().Be((await ServerCommand.DoAsync("--data", _server.DataPath, "monitoring", "nagios")).Out);
        File.WriteAllText(Path.Combine(directory, "ctree.cfg"), printed);
        File.WriteAllText(Path.Combine(directory, "site.cfg"), TestFiles.Block(Page, "## Nagios and Icinga", "nagios"));
        File.WriteAllText(Path.Combine(directory, "nagios.cfg"), $"log_file={directory}/log\ncheck_result_path={directory}\nnagios_user={Environment.UserName}\nnagios_group={Environment.UserName}\ncfg_file={directory}/site.cfg\ncfg_file={directory}/ctree.cfg\n");
        Judge(directory, "nagios4 -v nagios.cfg").Should().MatchRegex($"Checked {2 * Hostile.Length} services").And.MatchRegex($"Checked {Hostile.Length} hosts").And.MatchRegex("Checked 3 commands").And.Contain("Total Errors:   0");
        printed.Should().MatchRegex(@"# not used: [0-9a-f]{12}: usr/lib/ctree/monitors.d/wrong.conf: line 3").And.Contain($"# not used: device {_devices[1].Id}: label monitor.bad");
        printed.Should().Contain("check_command check_by_agent!check_disk!20%").And.Contain("alias l\u00fcneburg-7\n");
    }

    [JudgeFact]
    public async Task Icinga_takes_the_objects_and_finds_no_others_whatever_devices_call_themselves()
    {
        var directory = Directory.CreateDirectory(_server["icinga"]).FullName;
        File.WriteAllText(Path.Combine(directory, "ctree.conf"), (await ServerCommand.DoAsync("--data", _server.DataPath, "monitoring", "icinga2")).Out);
        File.WriteAllText(Path.Combine(directory, "site.conf"), TestFiles.Block(Page, "## Nagios and Icinga", "icinga2"));
        File.WriteAllText(Path.Combine(directory, "icinga2.conf"), "include <itl>\ninclude \"site.conf\"\ninclude \"ctree.conf\"\n");
        var said = Judge(directory, "icinga2 daemon -C -c $PWD/icinga2.conf -I \"$J/usr/share/icinga2/include\" -D DataDir=$PWD -D LogDir=$PWD -D CacheDir=$PWD -D InitRunDir=$PWD");
        said.Should().Contain($"Instantiated {Hostile.Length} Hosts").And.Contain($"Instantiated {2 * Hostile.Length} Services").And.Contain("Finished validating");
    }

    [Fact]
    public async Task A_target_is_where_the_device_polls_from_or_where_a_label_says()
    {
        Label(0, ("address", "fec7.example"), ("rack row", "x"));
        Label(1, ("address", "evil:80/x"));
        Label(2, ("address", "2001:db8::7"));
        var all = JsonNode.Parse((await ServerCommand.DoAsync("monitoring", "prometheus", "--port", "9256", "--server", _server.Url, "--token", _server.Admin)).Out)!.AsArray();
        all.Should().HaveCount(Hostile.Length);
        string Target(int device) => (string)all.Single(t => (string)t!["labels"]!["__meta_ctree_device"]! == $"{_devices[device].Id}")!["targets"]![0]!;
        (Target(0), Target(1), Target(2)).Should().Be(("fec7.example:9256", "127.0.0.1:9256", "[2001:db8::7]:9256"));
        var labels = all.Single(t => (string)t!["labels"]!["__meta_ctree_device"]! == $"{_devices[3].Id}")!["labels"]!;
        ((string)labels["__meta_ctree_name"]!, (string)labels["__meta_ctree_commit"]!, (string)labels["__meta_ctree_sync"]!).Should().Be((Hostile[3], $"{_commit}", "in-sync"));
        JsonNode.Parse(await (await _server.SendAsync(HttpMethod.Get, $"{Routes.Monitoring}/prometheus?q=id=={_devices[0].Id}%20or%20id==0", token: _server.NewToken(TokenRole.Viewer))).Content.ReadAsStringAsync())!.AsArray().Should().HaveCount(1);
        foreach (var (query, status) in new[] { ("?port=0", HttpStatusCode.BadRequest), ("?q=nonsense", HttpStatusCode.BadRequest), ("?q=1==1)or(1==1", HttpStatusCode.BadRequest) })
            (await _server.SendAsync(HttpMethod.Get, Routes.Monitoring + "/prometheus" + query, token: _server.Admin)).StatusCode.Should().Be(status, query);
    }

    [Theory]
    [InlineData("nagios", "host_name {0}\n")]
    [InlineData("icinga2", "object Host \"{0}\"")]
    public async Task A_commit_that_is_not_here_or_is_damaged_takes_no_device_away(string kind, string host)
    {
        _server.WriteSource("file", "two");
        var damaged = _server.Publish().Commit;
        File.WriteAllText(Path.Combine(_server.Data.Repository.Path, $"objects/{damaged.ToString()[..2]}/{damaged.ToString()[2..]}.commit"), "x");
        foreach (var (device, running) in new[] { (0, ObjectId.Of("none"u8)), (1, damaged) })
            _server.Data.OpenDatabase().Connect().Execute("UPDATE devices SET running = $running WHERE id = $id", ("$running", running), ("$id", _devices[device].Id));
        var answer = await _server.SendAsync(HttpMethod.Get, $"{Routes.Monitoring}/{kind}", token: _server.Admin);
        answer.StatusCode.Should().Be(HttpStatusCode.OK);
        var text = await answer.Content.ReadAsStringAsync();
        text.Should().ContainAll(_devices.Select(d => string.Format(System.Globalization.CultureInfo.InvariantCulture, host, d.Id)));
        text.Should().MatchRegex($"(#|//) not used: [^\n]*{damaged}");
    }

    [Theory]
    [InlineData("fe80::1%$(id)")]
    [InlineData("fe80::1%eth0")]
    [InlineData("fe80::1%\n}\ndefine command {")]
    [InlineData("[::1]:80")]
    public async Task An_address_with_a_zone_is_none(string address)
    {
        Label(0, ("address", address));
        _server.Data.OpenDatabase().Connect().Execute("UPDATE devices SET address = $address WHERE id = $id", ("$address", address), ("$id", _devices[1].Id));
        var printed = (await ServerCommand.DoAsync("--data", _server.DataPath, "monitoring", "nagios", "--filter", $"id=={_devices[0].Id} or id=={_devices[1].Id}")).Out;
        printed.Should().Contain("    address 127.0.0.1\n").And.Contain($"    address {_devices[1].Id}\n").And.NotContain(address);
    }

    [Theory]
    [InlineData("command = x", "line 1 is no [name]")]
    [InlineData("[a]\n", "[a] has no command")]
    [InlineData("[a b]\ncommand = x", "line 1 has a name")]
    [InlineData("[a]\ncommand = x y", "line 2 has a name")]
    [InlineData("[a]\ncommand = x\nargument = `id`", "line 3 has more than 16 arguments")]
    [InlineData("[a]\ncommand = x\nargument = a!b", "line 3 has more than 16 arguments")]
    [InlineData("[a]\ncommand = x\ninterval = 5", "line 3 has an interval")]
    [InlineData("[a]\ncommand = x\nretries = 0", "line 3 has a number")]
    [InlineData("[a]\ncommand = x\nuser = root", "line 3 says 'user'")]
    [InlineData("[a]\ncommand = x\n[a]\ncommand = y", "a name stands there twice")]
    public void What_is_no_definition_is_refused_with_its_line(string text, string why)
    {
        var parse = () => MonitorFile.Parse(text, "f.conf");
        parse.Should().Throw<FormatException>().Which.Message.Should().StartWith("f.conf: ").And.Contain(why);
    }

    private void Label(int device, params (string Name, string Value)[] labels)
    {
        using var connection = _server.Data.OpenDatabase().Connect();
        foreach (var (name, value) in labels)
            connection.Execute("INSERT INTO labels (device, name, value) VALUES ($device, $name, $value)", ("$device", _devices[device].Id), ("$name", name), ("$value", value));
    }

    private static string Judge(string directory, string line) => Shell.Run(
        $"cd '{directory}'; J='{JudgeFactAttribute.Judges}'; export LD_LIBRARY_PATH=$J/usr/lib/x86_64-linux-gnu ICINGA2_USER=$(id -un) ICINGA2_GROUP=$(id -gn) PATH=$J/usr/lib/x86_64-linux-gnu/icinga2/sbin:$J/usr/bin:$J/usr/sbin:$PATH; {line}");
}
