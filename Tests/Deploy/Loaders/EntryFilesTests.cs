using ContentTree.Deploy.Loaders;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>The entries of kernels, whoever reads them.</summary>
public sealed class EntryFilesTests
{
    [Fact]
    public void What_a_kill_left_half_written_is_not_counted_among_the_versions()
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["loader/entries"]);
        File.WriteAllText(directory["loader/entries/ctree-a.conf"], "title a\nversion 4\n");
        File.WriteAllText(directory["loader/entries/.new-0123"], "title b\nversion 7\n");
        new EntryFiles(new BootFiles(directory.Path)).NextVersion().Should().Be(5);
    }
}
