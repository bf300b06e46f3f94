using ContentTree.BootFile;
using ContentTree.Tests.EndToEnd;
using static ContentTree.Tests.Boot.BootSamples;

namespace ContentTree.Tests.Boot;

/// <summary>A medium that fails or lies about the count: the trial must not run uncounted.</summary>
public sealed class LyingMediumTests : IDisposable
{
    private readonly DeviceDisk _disk = new();

    public void Dispose() => _disk.Dispose();

    [StraceTheory]
    [InlineData("pwrite64:retval=512", "does not read back as written")]
    [InlineData("pwrite64:error=ENOSPC", "No space left on device")]
    [InlineData("pwrite64:retval=100", "does not read back as written")]
    [InlineData("fsync:error=EIO", "Input/output error")]
    public void A_count_that_does_not_reach_the_medium_boots_the_previous_deployment(string fault, string expected)
    {
        _disk.Add(1, "");
        _disk.Add(2, "");
        _disk.Slots.Write(Record(BootState.Trial, 2, 1, 3));

        Programs.Run("/", "strace", "-f", "-qq", "-o", "/dev/null", "-P", _disk.Slots.PathB, "-e", "inject=" + fault,
            Path.Combine(AppContext.BaseDirectory, "ctree-select"), "--root", _disk.Root, "--print")
            .TrimEnd().Should().Be(_disk.Layout.Deployment(Name(1)));

        BootedRecord.Read(_disk.Layout.Booted)!.Problem.Should().Contain("the count could not be saved").And.Contain(expected);
        _disk.Slots.Inspect().A.Record.Should().Be(Record(BootState.Trial, 2, 1, 3) with { Sequence = 1 }, "the old record is untouched");
    }
}
