namespace ContentTree.Tests.Boot;

/// <summary>A directory of its own for one test.</summary>
/// <param name="below">Where it is made; null is the machine's own place for such.</param>
internal sealed class TemporaryDirectory(string? below = null) : IDisposable
{
    public string Path { get; } = Make(below);

    public string this[string name] => System.IO.Path.Combine(Path, name);

    public void Dispose() => Directory.Delete(Path, recursive: true);

    private static string Make(string? below)
    {
        if (below is null)
            return Directory.CreateTempSubdirectory("ctree-boot-").FullName;
        var path = System.IO.Path.Combine(below, "ctree-boot-" + Guid.NewGuid().ToString("N"));
        return Directory.CreateDirectory(path).FullName;
    }
}
