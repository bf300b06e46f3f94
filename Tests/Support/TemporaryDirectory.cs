namespace ContentTree.Tests.Support;

/// <summary>A directory that is gone after the test, whatever modes the test gave its entries.</summary>
public sealed class TemporaryDirectory : IDisposable
{
    public TemporaryDirectory()
    {
        Path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "ctree-test-" + Guid.NewGuid().ToString("N")[..12]);
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
