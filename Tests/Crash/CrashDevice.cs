using ContentTree.BootFile;
using ContentTree.Deploy.Commands;
using ContentTree.Tests.Deploy;

namespace ContentTree.Tests.Crash;

/// <summary>The device of one trial.</summary>
internal sealed class CrashDevice(string root, UnreliableLink link, string[] words) : IAsyncDisposable
{
    private readonly string _outside = OutsideOf(root);

    public string Root { get; } = root;

    /// <summary>The verb on trial and its arguments.</summary>
    public string[] Words { get; } = words;

    public DeviceLayout Layout { get; } = new(root);

    public BootSlots Boot => new(Layout.Boot);

    /// <summary>Bytes that the server has sent so far, headers apart.</summary>
    public long Fetched => Interlocked.Read(ref link.BodyBytes);

    /// <summary>Whether a stored file is here, or on its way there and whole: one that has its last attribute, the time.</summary>
    public bool Has(string name) =>
        File.Exists(Path.Combine(Root, "ctree/store/objects", name)) ||
        new FileInfo(Path.Combine(Root, "ctree/store/incoming", name.Replace("/", "", StringComparison.Ordinal))) is { Exists: true } coming && coming.LastWriteTimeUtc == DateTime.UnixEpoch.AddSeconds(1);

    /// <summary>The names and sizes of stored files, below the directory of objects.</summary>
    public IReadOnlyDictionary<string, long> StoredFiles()
    {
        var objects = Path.Combine(Root, "ctree/store/objects");
        return Directory.Exists(objects)
            ? Directory.GetFiles(objects, "*.file", SearchOption.AllDirectories).ToDictionary(path => Path.GetRelativePath(objects, path), path => new FileInfo(path).Length)
            : new Dictionary<string, long>();
    }

    /// <summary>Whether what is not the agent's is as it was.</summary>
    public bool IsOutsideUntouched => OutsideOf(Root) == _outside;

    public async Task<CommandResult> RunAsync(params string[] arguments)
    {
        var (results, people) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(["--root", Root, .. arguments], results, people, raw: Stream.Null);
        return new CommandResult(code, results.ToString(), people.ToString(), []);
    }

    public string Digest(DeploymentName name) => TreeDigest.Of(Layout.Deployment(name));

    public async ValueTask DisposeAsync()
    {
        await link.DisposeAsync();
        CrashLab.Remove(Root);
    }

    private static string OutsideOf(string root) =>
        string.Join('\n', new[] { "home", "etc", "ctree/data/var" }.Select(path => TreeDigest.Of(Path.Combine(root, path))));
}
