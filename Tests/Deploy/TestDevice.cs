using System.Text.Json.Nodes;
using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Deploy.Commands;
using ContentTree.Store.Local;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>A device below a directory: the real command line and the real selector, in this process.</summary>
internal sealed class TestDevice : IDisposable
{
    private readonly TemporaryDirectory? _directory;

    public TestDevice(string? root = null)
    {
        _directory = root is null ? new TemporaryDirectory() : null;
        Root = root ?? _directory!["device"];
        Layout = new DeviceLayout(Root);
        // A network that fails is to fail fast here; one that is slow because the machine is busy is not to fail.
        Configure("[transfer]\nattempts = 2\nretry-min = 1ms\nretry-max = 5ms\nstall-timeout = 15s\nconnections = 2\n");
    }

    public string Root { get; }

    public DeviceLayout Layout { get; }

    /// <summary>What tells it the time; the real clock if null.</summary>
    public TimeProvider? Clock { get; set; }

    public BootSlots Boot => new(Layout.Boot);

    /// <summary>Not set up yet.</summary>
    public static TestDevice Unset() => new();

    /// <summary>Set up, accepted and without anything deployed.</summary>
    public static async Task<TestDevice> EnrolledAsync(TestServer server, string branch = "main", params string[] more)
    {
        var device = new TestDevice();
        var result = await device.RunAsync(["init", "--server", server.Link.Url, "--branch", branch, "--token", server.Token(), "--unprivileged", .. more]);
        result.Code.Should().Be(0, result.Error);
        server.Link.Reset();
        return device;
    }

    /// <summary>Values that win over those of <c>init</c>.</summary>
    public void Configure(string text)
    {
        Directory.CreateDirectory(Path.Combine(Root, "etc/ctree"));
        File.AppendAllText(Path.Combine(Root, "etc/ctree/agent.conf"), text);
    }

    public async Task<CommandResult> RunAsync(params string[] arguments) => await RunAsync(CancellationToken.None, arguments);

    public async Task<CommandResult> RunAsync(CancellationToken cancellation, params string[] arguments)
    {
        using var raw = new MemoryStream();
        var (results, people) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(["--root", Root, .. arguments], results, people, clock: Clock, raw: raw, cancellation: cancellation);
        return new CommandResult(code, results.ToString(), people.ToString(), raw.ToArray());
    }

    /// <summary>The result document of a command that must succeed.</summary>
    public async Task<JsonNode> JsonAsync(params string[] arguments)
    {
        var result = await RunAsync([.. arguments, "--json"]);
        result.Code.Should().Be(0, result.Error);
        return JsonNode.Parse(result.Output)!;
    }

    public async Task UpdateAsync()
    {
        var result = await RunAsync("update");
        result.Code.Should().Be(0, result.Error);
    }

    /// <summary>One boot: the selector chooses and counts.</summary>
    public string BootNow()
    {
        var results = new List<string>();
        var code = Commands.Run(["--root", Root, "--print"], new KernelCommandLine(""), new BootSelector.Terminal(results.Add, _ => { }));
        code.Should().Be(0);
        return Path.GetFileName(results[^1]);
    }

    /// <summary>Updates, boots into it and confirms.</summary>
    public async Task TakeAsync()
    {
        await UpdateAsync();
        BootNow();
        (await RunAsync("confirm")).Code.Should().Be(0);
    }

    public string[] Deployments() => Directory.Exists(Layout.Deployments)
        ? [.. DeploymentSet.Scan(Layout).Select(d => d.Name.ToString()).Order()]
        : [];

    /// <summary>Everything in a deployment that must not change, as text.</summary>
    public string Describe(string deployment) => AwkwardTree.Describe(Path.Combine(Layout.Deployments, deployment), times: true);

    public LocalStore OpenStore() => LocalStore.Open(Path.Combine(Root, "ctree/store"), isPrivileged: false);

    /// <summary>What no failure may leave: an object whose bytes are not what its name says.</summary>
    public void NothingIsFalse()
    {
        using var store = OpenStore();
        LocalStoreCheck.Run(store).Damage.Should().BeEmpty();
    }

    /// <summary>The path of a stored content.</summary>
    public string StoredFile(string content)
    {
        var id = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(content)));
        return Directory.GetFiles(Path.Combine(Root, "ctree/store/objects", id[..2]), id[2..] + ".*.file").Single();
    }

    public void Dispose() => _directory?.Dispose();
}

/// <summary>How a command ended.</summary>
internal sealed record CommandResult(int Code, string Output, string Error, byte[] Raw)
{
    /// <summary>What <c>status</c> printed, without the breaks of lines that were too long.</summary>
    public string Unwrapped => Output.Replace("\n             ", " ", StringComparison.Ordinal);
}
