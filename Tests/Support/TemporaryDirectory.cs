namespace ContentTree.Tests.Support;

/// <summary>A directory that is gone after the test, whatever modes the test gave its entries.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory()
    {
        // Beside the project, not in /tmp: that may be a tmpfs, which has no attributes and stamps no change times.
        Path = ProjectFiles.PathOf(".work/tmp/test-" + Guid.NewGuid().ToString("N")[..12]);
        Directory.CreateDirectory(Path);
    }

    public string Path { get; }

    public string this[string relative] => System.IO.Path.Combine(Path, relative);

    public void Dispose()
    {
        using var parent = ContentTree.Store.Posix.OpenDirectory(System.IO.Path.GetDirectoryName(Path)!);
        ContentTree.Store.Local.TreeCheckout.Remove(parent, System.Text.Encoding.UTF8.GetBytes(System.IO.Path.GetFileName(Path)));
    }
}
