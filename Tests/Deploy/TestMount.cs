using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>Something mounted for one test.</summary>
internal sealed class TestMount : IDisposable
{
    private readonly TemporaryDirectory? _directory;

    public TestMount(string what, string? path = null)
    {
        _directory = path is null ? new TemporaryDirectory() : null;
        Path = path ?? _directory!.Path;
        Shell.Run($"mount {what} '{Path}'");
    }

    public string Path { get; }

    public void Dispose()
    {
        Shell.Run($"umount -l '{Path}'");
        _directory?.Dispose();
    }
}
