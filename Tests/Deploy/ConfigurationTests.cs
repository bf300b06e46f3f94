using System.Text;
using System.Text.Json.Nodes;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Server.Trust;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>From what a person says on the server to the file that an application reads on the device, and what the device refuses on the way.</summary>
public sealed class ConfigurationTests : IAsyncLifetime
{
    private static readonly ConfigurationScope Fleet = new ConfigurationScope.Fleet();

    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ISigner _key = null!;
    private KeyId _id;

    private ConfigurationChanges Changes => new(_server.Data, _server.Data.OpenDatabase(), TimeProvider.System);

    private string Current => Path.Combine(_device.Root, "ctree/data/configuration/current");

    private string HooksLog => Path.Combine(_device.Root, "hooks.log");

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _server.Publish("echo one > file");
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _id = _server.Devices.List(1).Single().Id;
        var fleet = _server.Data.Trust.Load().Roles[Role.Fleet].KeyIds.Single();
        _key = _server.Data.LoadOnlineKeys().Signers.Single(s => s.Public.Id == fleet);
        foreach (var (name, type, isSecret) in new[] { ("network.ntp", "text", false), ("port", "integer", false), ("beep", "boolean", false), ("layout", "json", false), ("wifi.password", "text", true) })
            Changes.Define(ConfigurationKey.Parse(name), new ConfigurationKeyRequest(type, isSecret));
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task What_was_said_on_the_server_is_in_files_that_applications_read()
    {
        Set(("network.ntp", "a \"b\" $c `d` \\e\nnext Ü"), ("port", "8080"), ("beep", "false"), ("layout", "{\"a\": [1]}"), ("wifi.password", "pa$$ word"));
        await _device.UpdateAsync();

        Read("values/network.ntp").Should().Be("a \"b\" $c `d` \\e\nnext Ü");
        Read("values/port").Should().Be("8080");
        var json = JsonNode.Parse(Read("values.json"))!["values"]!;
        json["network.ntp"]!.GetValue<string>().Should().Be("a \"b\" $c `d` \\e\nnext Ü");
        (json["port"]!.GetValue<int>(), json["beep"]!.GetValue<bool>(), json["layout"]!["a"]![0]!.GetValue<int>()).Should().Be((8080, false, 1));
        json.AsObject().Should().NotContainKey("wifi.password");
        JsonNode.Parse(Read("secrets.json"))!["values"]!.AsObject().Select(v => $"{v.Key}={v.Value}").Should().Equal("wifi.password=pa$$ word");
        Shell.Run($". '{Current}/environment'; . '{Current}/secrets.environment'; printf '%s|%s|%s' \"$NETWORK__NTP\" \"$PORT\" \"$WIFI__PASSWORD\"").Should().Be("a \"b\" $c `d` \\e\nnext Ü|8080|pa$$ word");
        Shell.Run($"cd '{Current}' && stat -c '%n %a' values values/* *.json *environment").Split('\n', StringSplitOptions.RemoveEmptyEntries).Should().Equal(
            "values 755", "values/beep 644", "values/layout 644", "values/network.ntp 644", "values/port 644", "values/wifi.password 600",
            "secrets.json 600", "values.json 644", "environment 644", "secrets.environment 600");
        Shell.Run($"stat -c %a '{_device.Layout.State}/trust/configuration.json'").Should().Be("600\n");

        (await _device.JsonAsync("status"))["configuration"]!["applied"]!.GetValue<long>().Should().Be(Shown().Told);
        (await _device.RunAsync("status")).Unwrapped.Should().Contain("values     configuration ");
        Shown().Pending.Should().BeTrue("the server has not heard yet");
        await _device.UpdateAsync();
        Shown().Pending.Should().BeFalse();
    }

    [Fact]
    public async Task It_survives_every_deployment_and_what_is_taken_back_is_gone()
    {
        Set(("port", "1"), ("wifi.password", "old secret"));
        await _device.UpdateAsync();
        _server.Publish("echo two > file");
        await _device.TakeAsync();
        Read("values/port").Should().Be("1");
        Set(("wifi.password", null), ("beep", "true"));
        await _device.UpdateAsync();
        Directory.GetFiles(Path.Combine(Current, "values")).Select(Path.GetFileName).Should().BeEquivalentTo("port", "beep");
        Directory.GetDirectories(Path.Combine(_device.Root, "ctree/data/configuration")).Should().HaveCount(2, "the link and where it leads: an old secret stays nowhere");
    }

    [Fact]
    public async Task Hooks_hear_what_has_changed_and_one_that_fails_stops_nothing()
    {
        Hook("10-log", $"echo \"$CTREE_CHANGED; $(cat $CTREE_CONFIGURATION/values/port)\" >> '{HooksLog}'");
        Set(("port", "1"), ("wifi.password", "x"));
        await _device.UpdateAsync();
        await _device.UpdateAsync();
        Hook("05-bad", "echo the password is hunter2; exit 3");
        Set(("port", "2"));
        _server.Publish("echo two > file");
        await _device.TakeAsync();
        await _device.UpdateAsync();
        File.ReadAllLines(HooksLog).Should().Equal("port wifi.password; 1", "port; 2");
        var events = _server.Devices.Find(_id).Events!;
        events.Should().Contain(e => e.Kind == EventKind.NotConfigured && e.Code == 1 && e.Message!.Contains("05-bad ended with 3", StringComparison.Ordinal));
        events.Should().Contain(e => e.Kind == EventKind.Configured && e.Message!.EndsWith(": port", StringComparison.Ordinal)).And.NotContain(e => (e.Message ?? "").Contains("hunter2", StringComparison.Ordinal));
        Shown().Should().Match<DeviceConfiguration>(c => !c.Pending && c.Applied == c.Told);
    }

    [Fact]
    public async Task A_hook_that_never_ends_is_ended()
    {
        _device.Configure("[configuration]\ntimeout = 100ms\n");
        Hook("hangs", "sleep 1000");
        Set(("port", "1"));
        (await _device.RunAsync("update")).Error.Should().Contain("hangs did not end within 0.1 s");
        Read("values/port").Should().Be("1");
    }

    [Fact]
    public async Task Looking_changes_nothing_and_what_was_begun_is_finished_without_the_server()
    {
        Set(("port", "1"));
        (await _device.RunAsync("update", "--check")).Code.Should().Be(0);
        Directory.Exists(Current).Should().BeFalse();
        _server.Link.Spoil = (_, _) => throw new IOException("no server");
        await _device.RunAsync("update");
        Read("values/port").Should().Be("1");
    }

    [Fact]
    public async Task One_that_cannot_be_put_in_place_changes_nothing_of_what_came_of_an_update()
    {
        var directory = Path.Combine(_device.Root, "ctree/data/configuration");
        Set(("port", "1"));
        _server.Publish("echo two > file");
        Directory.CreateDirectory(Path.GetDirectoryName(directory)!);
        File.WriteAllText(directory, "in its way");
        var result = await _device.RunAsync("update", "--reboot-exit-code");
        result.Code.Should().Be(4, result.Error);
        result.Output.Should().StartWith("deployed: ");
        result.Error.Should().Contain("the configuration could not be put in place: ");
        File.Delete(directory);
        await _device.RunAsync("update");
        Read("values/port").Should().Be("1");
        await _device.RunAsync("update", "--check");
        _server.Devices.Find(_id).Events!.Should().Contain(e => e.Kind == EventKind.NotConfigured && e.Code != 0);
    }

    [Fact]
    public async Task None_is_put_in_place_while_somebody_has_stopped_the_device()
    {
        var stop = Path.Combine(_device.Root, "ctree/do_not_update");
        File.WriteAllText(stop, "");
        Set(("port", "1"));
        await _device.RunAsync("update");
        Directory.Exists(Current).Should().BeFalse();
        File.Delete(stop);
        await _device.RunAsync("update");
        Read("values/port").Should().Be("1");
    }

    [Fact]
    public async Task Somebody_elses_an_older_an_ended_and_another_keys_configuration_are_passed_over()
    {
        Set(("port", "1"));
        await _device.UpdateAsync();
        var counter = Shown().Told;
        using var other = SigningKey.Generate();
        var good = Statement(counter + 1);
        await PassedOverAsync(Sign(good with { Device = other.Id }));
        await PassedOverAsync(Sign(good with { Counter = counter - 1 }));
        await PassedOverAsync(Sign(good with { Counter = counter }));
        await PassedOverAsync(Sign(good with { Created = DateTimeOffset.UtcNow.AddDays(-2), Expires = DateTimeOffset.UtcNow.AddDays(-1) }));
        await PassedOverAsync(Sign(good, _server.Data.LoadKeys().Signers.Single()));
        await PassedOverAsync(Sign(good, _server.Data.LoadOnlineKeys().Signers.Single(s => s.Public.Id != _key.Public.Id)));
        await PassedOverAsync(Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(Sign(good)).Replace("\"66\"", "\"67\"", StringComparison.Ordinal)));
        Inject(Sign(good));
        await _device.UpdateAsync();
        Read("values/port").Should().Be("66", "the same, as it should be, is taken");
    }

    [Theory]
    [InlineData("../../../../etc/passwd")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("/etc/passwd")]
    [InlineData("")]
    [InlineData("Values")]
    [InlineData("a\\u0000b")]
    public async Task A_name_that_is_no_key_is_passed_over(string name)
    {
        var text = Encoding.UTF8.GetString(Statement(7).Encode()).Replace("\"port\":", $"\"{name}\":", StringComparison.Ordinal);
        await PassedOverAsync(SignAnything(text));
        Directory.Exists(Current).Should().BeFalse();
    }

    [Theory]
    [InlineData("\"type\":\"integer\"", "\"type\":\"boolean\"")]
    [InlineData("\"type\":\"integer\"", "\"type\":\"program\"")]
    [InlineData("\"secret\":false", "\"secret\":0")]
    [InlineData("\"secret\":false,", "")]
    [InlineData("\"secret\":false", "\"hidden\":1,\"secret\":false")]
    [InlineData("\"value\":\"66\"", "\"value\":66")]
    [InlineData("\"format\":1", "\"format\":2")]
    [InlineData("\"kind\":\"configuration\"", "\"kind\":\"assignment\"")]
    [InlineData("\"counter\":7", "\"counter\":0")]
    public async Task What_is_no_configuration_is_passed_over_whoever_signed_it(string part, string other)
    {
        var text = Encoding.UTF8.GetString(Statement(7).Encode());
        text.Should().Contain(part);
        await PassedOverAsync(SignAnything(text.Replace(part, other, StringComparison.Ordinal)));
        Directory.Exists(Current).Should().BeFalse();
    }

    [Fact]
    public async Task More_or_longer_values_than_there_may_be_are_passed_over()
    {
        var text = Encoding.UTF8.GetString(Statement(7).Encode());
        await PassedOverAsync(SignAnything(text.Replace("\"type\":\"integer\",\"value\":\"66\"", $"\"type\":\"text\",\"value\":\"{new string('x', ConfigurationValue.MaxBytes + 1)}\"", StringComparison.Ordinal)));
        var many = string.Join(',', Enumerable.Range(0, ConfigurationStatement.MaxValues + 1).Select(i => $"\"k{i:d3}\":{{\"secret\":false,\"type\":\"text\",\"value\":\"\"}}"));
        await PassedOverAsync(SignAnything(text[..text.IndexOf("\"values\":", StringComparison.Ordinal)] + $"\"values\":{{{many}}}}}"));
        Directory.Exists(Current).Should().BeFalse();
    }

    [Fact]
    public async Task A_server_that_was_set_back_goes_past_what_the_device_has_seen()
    {
        Inject(Sign(Statement(DateTimeOffset.UtcNow.ToUnixTimeSeconds() + 5000)));
        await _device.UpdateAsync();
        Read("values/port").Should().Be("66");
        _server.Link.Reset();
        Set(("port", "2"));
        await _device.UpdateAsync();
        Read("values/port").Should().Be("2");
    }

    [Fact]
    public async Task What_a_dismissed_fleet_key_said_highest_binds_nobody()
    {
        Inject(Sign(Statement((1L << 53) - 1)));
        await _device.UpdateAsync();
        _server.Link.Reset();
        var keys = _server.Data.LoadKeys();
        var change = new RootChange { Add = [(Role.Fleet, _server.Data.GenerateKey(isOnline: true))], Remove = [(Role.Fleet, _key.Public.Id)], Expires = DateTimeOffset.UtcNow.AddYears(1) };
        RootInstallation.Run(_server.Data, keys, keys.Sign(Envelope.Create(change.After(_server.Data.Trust.Load()).Encode(), []), _ => true).Bytes.Span, TimeProvider.System);
        Set(("port", "2"));
        await _device.UpdateAsync();
        await _device.UpdateAsync();
        Read("values/port").Should().Be("2");
    }

    [Fact]
    public async Task What_somebody_removed_or_changed_is_put_in_place_again_with_the_next_one()
    {
        Set(("port", "1"), ("beep", "true"));
        await _device.UpdateAsync();
        Directory.Delete(new DirectoryInfo(Current).ResolveLinkTarget(true)!.FullName, recursive: true);
        await _device.UpdateAsync();
        Read("values/port").Should().Be("1");
        File.WriteAllText(Path.Combine(Current, "values/beep"), "maybe");
        Set(("port", "2"));
        await _device.UpdateAsync();
        Read("values/beep").Should().Be("true");
    }

    private void Set(params (string Key, string? Text)[] values) => Changes.Set(Fleet, new ConfigurationRequest(values.ToDictionary(v => v.Key, v => v.Text)), "a test");

    private DeviceConfiguration Shown() => new Configurations(_server.Data, _server.Data.OpenDatabase(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance).Show(_id);

    private string Read(string path) => File.ReadAllText(Path.Combine(Current, path));

    private void Hook(string name, string script)
    {
        var path = Path.Combine(_device.Root, "etc/ctree/configuration.d", name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        Shell.Run($"chmod 755 '{path}'");
    }

    private ConfigurationStatement Statement(long counter) => new()
    {
        Device = _id,
        Counter = counter,
        Created = DateTimeOffset.UtcNow.AddMinutes(-1),
        Expires = DateTimeOffset.UtcNow.AddDays(1),
        Values = new Dictionary<ConfigurationKey, ConfigurationValue> { [ConfigurationKey.Parse("port")] = new(ConfigurationType.Number, "66", false) },
    };

    private byte[] Sign(ConfigurationStatement statement, ISigner? signer = null) =>
        new SigningKeys([signer ?? _key]).Sign(Envelope.Create(statement.Encode(), []), _ => true).Bytes.ToArray();

    private byte[] SignAnything(string text)
    {
        var signature = Convert.ToBase64String(_key.Sign(Encoding.UTF8.GetBytes(text)));
        return Encoding.UTF8.GetBytes($"{{\"signatures\":[{{\"keyid\":\"{_key.Public.Id}\",\"sig\":\"{signature}\"}}],\"signed\":{text}}}");
    }

    private void Inject(byte[] configuration) => _server.Link.Spoil = (request, answer) =>
    {
        if (request.Path == Routes.Poll && JsonNode.Parse(answer.Body)!["configuration"] is null)
            answer.Body = Encoding.UTF8.GetBytes($"{Encoding.UTF8.GetString(answer.Body)[..^1]},\"configuration\":{Encoding.UTF8.GetString(configuration)}}}");
    };

    // The head that comes with it is taken; of the configuration nothing changes.
    private async Task PassedOverAsync(byte[] configuration)
    {
        Inject(configuration);
        var before = State();
        _server.Publish($"echo {Guid.NewGuid()} > file");
        var result = await _device.RunAsync("update", "--check");
        result.Code.Should().Be(0, result.Error);
        File.ReadAllBytes(Path.Combine(_device.Layout.State, "trust/head-main.json")).Should().Equal(_server.ReadHead());
        await _device.RunAsync("update");
        State().Should().Be(before);
    }

    private string State()
    {
        var trust = Path.Combine(_device.Layout.State, "trust");
        var file = Path.Combine(trust, "configuration.json");
        return JsonNode.Parse(File.ReadAllText(Path.Combine(trust, "seen.json")))!["configurations"]?.ToJsonString() + (File.Exists(file) ? File.ReadAllText(file) : "") +
            (Directory.Exists(Current) ? Read("values.json") : "");
    }
}
