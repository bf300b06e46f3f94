using ContentTree.Store.Objects;
using ContentTree.Store.Trust;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>Bundles from the real program on a device that reaches nobody: what is signed comes in, and nothing else does.</summary>
public sealed class BundleTests : IAsyncLifetime, IDisposable
{
    private const string Old = "seq 1 50000 > large; printf one > small; mkdir etc; printf a > etc/a";
    private const string New = "seq 1 50001 > large; printf two > small; mkdir etc; printf a > etc/a; printf b > etc/b";

    private readonly TemporaryDirectory _temporary = new();
    private TestServer _server = null!;
    private TestDevice _device = null!;
    private ObjectId _old;
    private ObjectId _new;

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _old = _server.Publish(Old);
        _device = await TestDevice.EnrolledAsync(_server);
        await _device.TakeAsync();
        _new = _server.Publish(New);
        _server.Link.Reset();
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public async Task A_bundle_of_objects_updates_any_device_without_a_network()
    {
        await MakeAsync("--to", "main");
        await InstalledAsync();
    }

    [Fact]
    public async Task A_bundle_with_a_delta_is_small_and_updates_those_that_have_its_start()
    {
        await MakeAsync("--to", "main");
        var whole = new FileInfo(Bundle).Length;
        await MakeAsync("--to", _new.ToString(), "--from", _old.ToString());
        new FileInfo(Bundle).Length.Should().BeLessThan(whole / 3);
        await InstalledAsync();
    }

    [Fact]
    public async Task Of_a_stick_with_many_the_newest_for_this_device_is_taken_and_its_report_comes_back()
    {
        var third = _server.Publish("seq 1 50002 > large");
        _server.Publish("printf other > other", "other");
        var stick = _temporary["stick"];
        Directory.CreateDirectory(stick);
        foreach (var (name, options) in new (string, string[])[] { ("a", ["--to", _new.ToString()]), ("b", ["--to", "other"]), ("c", ["--to", third.ToString(), "--from", _new.ToString()]), ("d", ["--to", third.ToString()]) })
            await ServerCommand.DoAsync(["--data", _server.Data.Path, "bundle", .. options, Path.Combine(stick, name + ".ctb")]);
        File.WriteAllText(Path.Combine(stick, "e.ctb"), "garbage");
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        var installed = await _device.RunAsync("bundle", "install", stick);
        installed.Code.Should().Be(0, installed.Error);
        installed.Error.Should().Contain("trying d.ctb", "this device has not got what c is a delta from");
        (await _device.JsonAsync("status"))["deployments"]!.AsArray().Select(d => (string)d!["commit"]!).Should().Contain(third.ToString());
        var report = Directory.GetFiles(Path.Combine(stick, "reports")).Should().ContainSingle().Subject;
        var device = Path.GetFileNameWithoutExtension(report);
        var taken = await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "report", report);
        taken.Out.Should().Contain(device).And.Contain("last event updated");
        (await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "show", device)).Out.Should().Contain($"wanted        {third}");
        await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "report", report);
    }

    [Fact]
    public async Task A_stick_brings_black_boxes_back_the_newest_as_far_as_there_is_room()
    {
        var boxes = Directory.CreateDirectory(Path.Combine(_device.Root, "ctree/state/blackbox")).FullName;
        for (var i = 1; i <= 4; i++)
        {
            // Control characters take six times their room on the way.
            var path = Path.Combine(boxes, $"{i}-0123abcd.txt");
            File.WriteAllText(path, $"box {i} \u001b[31m" + new string('\u0001', 150 * 1024));
            File.SetLastWriteTimeUtc(path, DateTime.UnixEpoch.AddYears(50).AddDays(i));
        }
        await _device.RunAsync("bundle", "report", _temporary.Path);
        var report = Directory.GetFiles(_temporary["reports"]).Single();
        var id = Path.GetFileNameWithoutExtension(report);

        await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "report", report);

        var listed = (await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "blackbox", id, "--list")).Out;
        listed.Should().Contain("4-0123abcd").And.Contain("3-0123abcd").And.NotContain("2-0123abcd");
        (await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "blackbox", id)).Out.Should().Contain("box 4  [31m").And.NotContain("\u001b");
        Directory.GetFiles(boxes, "*.txt").Should().HaveCount(4, "a stick may get lost");
    }

    [Fact]
    public async Task A_stick_is_for_a_device_that_slept_through_a_change_of_keys_too()
    {
        var data = _server.Data.Path;
        var old = _server.Data.Trust.Load().Roles[Role.Release].KeyIds.Single();
        var key = Path.Combine(data, "keys", "second.pem");
        await ServerCommand.DoAsync("--data", data, "key", "new", key);
        await ServerCommand.DoAsync("--data", data, "key", "root", _temporary["next.json"], "--add", $"release={key}", "--remove", $"release={old}");
        await ServerCommand.DoAsync("--data", data, "key", "install", _temporary["next.json"], "--resign");
        var third = _server.Publish("seq 1 50002 > large");
        var stick = _temporary["stick"];
        Directory.CreateDirectory(stick);
        await ServerCommand.DoAsync("--data", data, "bundle", "--to", "main", Path.Combine(stick, "a.ctb"));
        _server.Link.Spoil = (_, answer) => answer.CutAfter = -1;
        var installed = await _device.RunAsync("bundle", "install", stick);
        installed.Code.Should().Be(0, installed.Error);
        (await _device.JsonAsync("status"))["deployments"]!.AsArray().Select(d => (string)d!["commit"]!).Should().Contain(third.ToString());
    }

    [Fact]
    public async Task A_report_that_was_changed_or_is_a_strangers_is_refused_and_an_older_one_changes_no_state()
    {
        await MakeAsync("--to", "main");
        await _device.RunAsync("bundle", "report", _temporary.Path);
        var older = Directory.GetFiles(_temporary["reports"]).Single();
        File.Copy(older, _temporary["older"]);
        await InstallAsync();
        await _device.RunAsync("bundle", "report", _temporary.Path);
        await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "report", older);
        await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "report", _temporary["older"]);
        (await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "list")).Out.Should().Contain(_new.ToString()[..12], "what it said last");

        var changed = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(older))!;
        var bytes = Convert.FromBase64String((string)changed["report"]!);
        bytes[bytes.AsSpan().IndexOf("sequence\":"u8) + 10] ^= 1;
        changed["report"] = Convert.ToBase64String(bytes);
        File.WriteAllText(_temporary["changed"], changed.ToJsonString());
        (await ServerCommand.RunAsync("--data", _server.Data.Path, "device", "report", _temporary["changed"])).Exit.Should().Be(14);

        await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "reject", Path.GetFileNameWithoutExtension(older));
        (await ServerCommand.RunAsync("--data", _server.Data.Path, "device", "report", older)).Exit.Should().Be(17);
        File.WriteAllText(_temporary["garbage"], "{}");
        (await ServerCommand.RunAsync("--data", _server.Data.Path, "device", "report", _temporary["garbage"])).Exit.Should().Be(1);
    }

    [Fact]
    public async Task With_a_list_of_devices_a_bundle_holds_what_those_lack()
    {
        var status = await _device.RunAsync("--json", "status");
        File.WriteAllText(_temporary["status.json"], status.Output);
        await MakeAsync("--to", _new.ToString(), "--have", _temporary["status.json"]);
        Shell.Run($"tar -tf '{Bundle}'").Should().Contain($"deltas/{_old}-{_new}-").And.NotContain(".file");
        await InstalledAsync();
        File.WriteAllText(_temporary["status.json"], "{\"schema\": \"other/1\"}");
        (await ServerCommand.RunAsync("--data", _server.Data.Path, "bundle", "--to", "main", "--have", _temporary["status.json"], Bundle)).Error.Should().Contain("other/1");
    }

    [Fact]
    public async Task For_a_group_a_bundle_holds_what_its_devices_lack()
    {
        var device = (await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "list")).Out.Split('\n')[1].Split(' ')[0];
        foreach (var group in new[] { "lab", "empty" })
            await ServerCommand.DoAsync("--data", _server.Data.Path, "group", "set", group);
        await ServerCommand.DoAsync("--data", _server.Data.Path, "group", "add", "lab", device);
        await _device.RunAsync("update", "--check");
        await MakeAsync("--to", _new.ToString(), "--for", "lab");
        Shell.Run($"tar -tf '{Bundle}'").Should().Contain($"deltas/{_old}-{_new}-").And.NotContain(".file");
        await InstalledAsync();
        (await ServerCommand.RunAsync("--data", _server.Data.Path, "bundle", "--to", "main", "--for", "empty", Bundle)).Exit.Should().Be(17);
        (await ServerCommand.RunAsync("--data", _server.Data.Path, "bundle", "--to", "main", "--for", "none", Bundle)).Exit.Should().Be(17);
        await File.WriteAllTextAsync(_temporary["list"], (await ServerCommand.DoAsync("--data", _server.Data.Path, "device", "list", "--json")).Out);
        (await ServerCommand.RunAsync("--data", _server.Data.Path, "bundle", "--to", "main", "--for", "empty", "--have", _temporary["list"], Bundle)).Exit.Should().Be(17);
        await MakeAsync("--to", _new.ToString(), "--for", "lab", "--have", _temporary["list"]);
    }

    [Fact]
    public async Task A_bundle_for_others_is_refused_and_says_what_it_lacks()
    {
        var third = _server.Publish("seq 1 50002 > large");
        await MakeAsync("--to", third.ToString(), "--from", _new.ToString());
        var refused = await InstallAsync();
        refused.Code.Should().Be(17, refused.Error);
        await NothingHappenedAsync();
    }

    [Fact]
    public async Task It_is_a_repository_that_tar_unpacks_and_a_mirror_as_it_is()
    {
        await MakeAsync("--to", "main", "--from", _old.ToString());
        var listed = Shell.Run($"tar -tf '{Bundle}'");
        listed.Should().Contain("heads/main.json").And.Contain("trust/root.json").And.Contain($"{_old}-{_new}-");
        _device.Configure($"[transfer]\nmirrors = {Bundle}\n");
        _server.Link.Reset();
        await _device.UpdateAsync();
        _server.Link.Requests.Should().NotContain(r => r.IsObject || r.Path.Contains("/deltas/"));
        _device.NothingIsFalse();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_same_commit_gives_the_same_bytes_whichever_process_writes_them(bool isDelta)
    {
        string[] options = isDelta ? ["--to", "main", "--from", _old.ToString()] : ["--to", "main"];
        await MakeAsync(options);
        var first = File.ReadAllBytes(Bundle);
        Shell.Run($"'{BuiltProgram.Find("ctree-server", "Server", "Store")}' --data '{_server.Data.Path}' bundle {string.Join(' ', options)} '{Bundle}'");
        File.ReadAllBytes(Bundle).Should().Equal(first);
    }

    [Fact]
    public async Task A_name_that_no_repository_has_is_refused_before_it_is_read()
    {
        Shell.Run($"n=$(printf 'x%.0s' $(seq 200)); mkdir -p d/$n; : > d/$n/$n; tar --format=gnu -C d -cf '{Bundle}' $n/$n", _temporary.Path);
        var refused = await InstallAsync();
        refused.Code.Should().Be(14);
        refused.Error.Should().Contain("300 bytes");
    }

    [Fact]
    public async Task An_older_head_or_one_of_another_branch_is_refused()
    {
        await MakeAsync("--to", _old.ToString());
        await _device.UpdateAsync();
        (await InstallAsync()).Code.Should().Be(14);
        var other = _server.Publish(New + "; printf other > other", "other");
        await MakeAsync("--to", other.ToString());
        var refused = await InstallAsync();
        refused.Code.Should().Be(17, refused.Error);
        refused.Error.Should().Contain("branch main");
    }

    [Fact]
    public async Task A_head_that_a_stranger_signed_is_refused()
    {
        using var stranger = SigningKey.Generate();
        var good = _server.ReadHead();
        _server.MoveHead(_new, signer: stranger);
        var head = _server.ReadHead();
        _server.WriteHead("main", good);
        await MakeAsync("--to", "main");
        Shell.Run($"mkdir u; tar -C u -xf '{Bundle}'", _temporary.Path);
        File.WriteAllBytes(_temporary["u/heads/main.json"], head);
        Shell.Run($"tar --format=ustar -C u -cf '{Bundle}' $(cd u; find . -type f ! -path './deltas/*' -printf '%P ')", _temporary.Path);
        (await InstallAsync()).Code.Should().Be(14);
        await NothingHappenedAsync();
    }

    [Fact]
    public async Task A_damaged_bundle_among_the_mirrors_keeps_nobody_from_the_server()
    {
        await MakeAsync("--to", "main");
        File.WriteAllBytes(Bundle, File.ReadAllBytes(Bundle)[..5000]);
        _device.Configure($"[transfer]\nmirrors = {Bundle}\n");
        await _device.UpdateAsync();
        _device.NothingIsFalse();
    }

    [Fact]
    public async Task A_private_branch_does_not_go_along_with_a_public_one()
    {
        await ServerCommand.DoAsync("--data", _server.Data.Path, "branch", "create", "secret/x", "--at", "main");
        await ServerCommand.DoAsync("--data", _server.Data.Path, "branch", "private", "secret/x");
        await MakeAsync("--to", _new.ToString());
        Shell.Run($"tar -tf '{Bundle}'").Should().Contain("heads/main.json").And.NotContain("secret");
        await MakeAsync("--to", _new.ToString(), "--branch", "secret/x");
        Shell.Run($"tar -tf '{Bundle}'").Should().Contain("heads/secret/x.json").And.NotContain("heads/main");
    }

    [Fact]
    public async Task No_flipped_byte_brings_anything_false()
    {
        await MakeAsync("--to", "main", "--from", _old.ToString());
        var good = File.ReadAllBytes(Bundle);
        var random = new Random(4242);
        for (var i = 0; i < 60; i++)
        {
            var bad = (byte[])good.Clone();
            bad[random.Next(bad.Length)] ^= (byte)(1 << random.Next(8));
            File.WriteAllBytes(Bundle, i % 6 == 5 ? bad[..random.Next(bad.Length)] : bad);
            var result = await InstallAsync();
            result.Code.Should().BeOneOf([0, 13, 14, 15, 16, 17], result.Error);
            result.Error.Should().NotContain("bug");
            _device.NothingIsFalse();
            if (result.Code == 0)
                (await _device.JsonAsync("status"))["deployments"]!.AsArray().Select(d => d!["commit"]!.GetValue<string>()).Should().OnlyContain(c => c == _old.ToString() || c == _new.ToString());
        }
    }

    [Theory]
    [InlineData("printf x > b", 14)]
    [InlineData(": > b", 14)]
    [InlineData("mkdir d; tar -cf b d", 14)]
    [InlineData("rm -f b", 17)]
    public async Task What_is_no_bundle_is_called_so(string script, int code)
    {
        Shell.Run(script, _temporary.Path);
        var refused = await _device.RunAsync("bundle", "install", _temporary["b"]);
        refused.Code.Should().Be(code, refused.Error);
        await NothingHappenedAsync();
    }

    [Fact]
    public async Task A_commit_that_no_head_names_makes_no_bundle()
    {
        _server.Publish("printf other > other", "other");
        var made = await ServerCommand.RunAsync("--data", _server.Data.Path, "bundle", "--to", "main", "--branch", "other", Bundle);
        made.Exit.Should().Be(17, made.Error);
        Directory.GetFiles(_temporary.Path).Should().BeEmpty();
    }

    private string Bundle => _temporary["update.ctb"];

    private Task<ServerCommand> MakeAsync(params string[] options) =>
        ServerCommand.DoAsync(["--data", _server.Data.Path, "bundle", .. options, Bundle]);

    private Task<CommandResult> InstallAsync() => _device.RunAsync("bundle", "install", Bundle);

    private async Task InstalledAsync()
    {
        _server.Link.Reset();
        var installed = await InstallAsync();
        installed.Code.Should().Be(0, installed.Error);
        _server.Link.Requests.Should().BeEmpty();
        _device.NothingIsFalse();
        var status = await _device.JsonAsync("status");
        status["deployments"]!.AsArray().Select(d => d!["commit"]!.GetValue<string>()).Should().Contain(_new.ToString());
        _device.BootNow();
        (await _device.RunAsync("confirm")).Code.Should().Be(0);
    }

    private async Task NothingHappenedAsync()
    {
        _device.NothingIsFalse();
        (await _device.JsonAsync("status"))["deployments"]!.AsArray().Should().ContainSingle();
    }
}
