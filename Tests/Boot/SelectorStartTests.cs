using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Boot;

/// <summary>What the selector as it is shipped asks of the kernel before there is much of a system.</summary>
[Trait("Category", "Slow")]
public sealed class SelectorStartTests : IDisposable
{
    private readonly Support.TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [StraceTheory]
    [InlineData("--show", 20)]
    [InlineData("--print", 20)]
    [InlineData("--version", 0)]
    public void It_never_waits_for_random_numbers(string verb, int exit)
    {
        Directory.CreateDirectory(_directory["root/ctree/state"]);
        var trace = _directory["trace"];
        var ended = Shell.Try($"strace -f -e trace=open,openat,getrandom -o '{trace}' '{StaticSelector.Path}' --root '{_directory["root"]}' {verb}");

        ended.Exit.Should().Be(exit, ended.Error);
        File.ReadLines(trace).Where(line => line.Contains("random", StringComparison.Ordinal)).Should().NotBeEmpty()
            .And.OnlyContain(line => line.Contains("EMFILE", StringComparison.Ordinal) || line.Contains("GRND_NONBLOCK", StringComparison.Ordinal), "a young machine has none for a second");
    }
}
