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

    /// <summary>Requests for contents so far.</summary>
    public int ContentRequests => link.Requests.Count(request => request.IsContent);

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
