using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Tests.Deploy;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>A real server, a device in every state, and how each workflow goes when nothing goes wrong.</summary>
public sealed class CrashLab : IAsyncLifetime
{
    private readonly string _directory = MakeDirectory();
    private readonly Dictionary<string, Baseline> _baselines = [];
    private readonly Dictionary<ObjectId, string> _trees = [];

    private TestServer _server = null!;
    private DeviceStates _states = null!;
    private string _token = "";

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _states = new DeviceStates(_server, _directory);
        await _states.MakeAsync();
        _token = _server.Token();
        foreach (var workflow in Workflow.All)
            _baselines[workflow.Name] = await MeasureAsync(workflow);
    }

    public async Task DisposeAsync()
    {
        Remove(_directory);
        await _server.DisposeAsync();
    }

    internal Baseline Of(Workflow workflow) => _baselines[workflow.Name];

    /// <summary>What a deployment of the commit is, to the last byte.</summary>
    internal string TreeOf(ObjectId commit) => _trees[commit];

    /// <summary>A fresh device in the state from which the workflow starts, with a link of its own to the server.</summary>
    internal CrashDevice Take(Workflow workflow)
    {
        var root = Path.Combine(_directory, "trial-" + Guid.NewGuid().ToString("N")[..12]);
        Shell.Run($"cp -a '{_states.PathOf(workflow.Start)}' '{root}'");
        var link = new UnreliableLink(new Uri(_server.Link.Url)) { HasPacks = workflow.HasPacks };
        _server.Link.HasPacks = true;
        File.AppendAllText(Path.Combine(root, "etc/ctree/agent.conf"), $"[server]\nurl = {link.Url}\n");
        return new CrashDevice(root, link, [.. workflow.Words.SelectMany(word => Fill(word, link.Url))]);
    }

    internal static void Remove(string path)
    {
        using var parent = Posix.OpenDirectory(Path.GetDirectoryName(path)!);
        TreeCheckout.Remove(parent, System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(path)));
    }

    private string[] Fill(string word, string url) => word switch
    {
        "{url}" => [url],
        "{token}" => [_token],
        "{new}" => [_states.New.ToString()],
        "{rights}" => DeviceStates.Rights,
        _ => [word],
    };

    private async Task<Baseline> MeasureAsync(Workflow workflow)
    {
        await using var device = Take(workflow);
        var before = workflow.StartsUnset ? null : DeviceShape.Of(device);
        var stored = device.StoredFiles();
        var log = Path.Combine(_directory, "calls");
        File.Delete(log);
        var end = await FaultyProgram.RunAsync(device.Root, device.Words, fault: null, log);
        workflow.Done.Should().Contain(end.Code, end.Error);
        var fetched = device.Fetched;
        var largest = device.StoredFiles().Where(file => !stored.ContainsKey(file.Key)).OrderByDescending(file => file.Value).FirstOrDefault();
        foreach (var deployment in DeviceShape.Deployments(device))
            _trees[deployment.Commit] = device.Digest(deployment.Name);
        (await device.RunAsync("gc")).Code.Should().Be(0);
        var after = DeviceShape.Of(device);
        return new Baseline(File.ReadAllLines(log), before, after, fetched, largest);
    }

    // Nothing here needs a medium: a kill loses nothing that the kernel has. Memory is fast and spares the disk.
    private static string MakeDirectory()
    {
        const string Memory = "/dev/shm";
        var parent = Directory.Exists(Memory) ? Memory : ProjectFiles.PathOf(".work/tmp");
        return Directory.CreateDirectory(Path.Combine(parent, "ctree-crash-" + Guid.NewGuid().ToString("N")[..12])).FullName;
    }
}

/// <summary>How a workflow goes undisturbed.</summary>
/// <param name="Calls">The calls that change a file system, in order.</param>
/// <param name="Before">The device before; null when there was none.</param>
/// <param name="After">The device afterwards, garbage collected.</param>
/// <param name="Fetched">Bytes that the server sent.</param>
/// <param name="Largest">The largest of the stored files that came: random bytes, which no delta and no compression makes smaller.</param>
internal sealed record Baseline(IReadOnlyList<string> Calls, DeviceShape? Before, DeviceShape After, long Fetched, KeyValuePair<string, long> Largest);
