using System.Text.Json;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Architecture;

/// <summary>Lock files hold what every build restores, nothing that follows one machine's compiler.</summary>
public sealed class LockFileTests
{
    public static TheoryData<string> LockFiles =>
        [.. Directory.EnumerateFiles(ProjectFiles.Root, "packages.lock.json", SearchOption.AllDirectories)
            .Select(p => Path.GetRelativePath(ProjectFiles.Root, p)).Where(p => !p.StartsWith('.'))];

    [Theory]
    [MemberData(nameof(LockFiles))]
    public void No_lock_file_knows_a_platform_or_a_compiler(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(ProjectFiles.PathOf(path)));
        var frameworks = document.RootElement.GetProperty("dependencies").EnumerateObject().ToArray();
        frameworks.Select(f => f.Name).Should().OnlyContain(name => !name.Contains('/'));
        frameworks.SelectMany(f => f.Value.EnumerateObject()).Select(p => p.Name).Should()
            .NotContain(name => name.Contains("ILCompiler") || name.Contains("ILLink") || name.Contains("Crossgen"));
    }
}
