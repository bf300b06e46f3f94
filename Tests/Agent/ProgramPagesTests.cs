using System.Globalization;
using ContentTree.Store;

namespace ContentTree.Tests.Agent;

/// <summary>What an agent that sleeps gives back.</summary>
public sealed class ProgramPagesTests
{
    [Fact]
    public void Releasing_them_leaves_a_process_that_works_with_fewer_pages_of_files()
    {
        var before = ResidentOfFiles();
        ProgramPages.Release();
        ResidentOfFiles().Should().BeLessThan(before);
        Enumerable.Range(0, 1000).Sum().Should().Be(499_500);
    }

    private static long ResidentOfFiles()
    {
        var line = File.ReadLines("/proc/self/status").Single(status => status.StartsWith("RssFile:", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture);
    }
}
