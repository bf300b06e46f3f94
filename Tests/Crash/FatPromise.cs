using ContentTree.BootFile;
using ContentTree.Deploy.Loaders;

namespace ContentTree.Tests.Crash;

/// <summary>What the boot partition of a device promised at each step, held against what a power cut left of it.</summary>
internal sealed class FatPromise(CutRecording recording)
{
    private readonly List<FatSight> _after = [];
    private readonly Dictionary<string, string> _sums = [];

    /// <summary>Learns from a disk on which nothing was lost.</summary>
    public void Learn(FatSight now)
    {
        _after.Add(now);
        foreach (var (file, sum) in now.Sums.Where(file => file.Key.StartsWith($"ctree/{now.Assets}-", StringComparison.Ordinal)))
            _sums[file] = sum;
        if (_after.Count == recording.Steps.Count)
            _after.Select(after => after.Assets).Distinct().Should().HaveCount(3, "the device went through three kernels");
    }

    /// <summary>What the loader starts is whole, and is what was acknowledged or what the next step is about to do.</summary>
    public void Check(FatSight now, CutState state)
    {
        var acknowledged = recording.Acknowledged.Count(at => at < state.End) - 1;
        var (known, next) = (_after[Math.Max(acknowledged, 0)], _after[Math.Min(acknowledged + 1, _after.Count - 1)]);
        var choice = CheckEntry(now);
        (choice.Assets, choice.IsCounted).Should().BeOneOf([Promised(known), Promised(next)],
            "step {0} was acknowledged; there is {1}, and in loader.conf {2}", acknowledged, string.Join(", ", now.Texts.Select(file => $"{file.Key} of {file.Value.Length}")), now.Texts.GetValueOrDefault("loader/loader.conf")?.TrimEnd('#', '\n'));
        now.Assets.Should().BeOneOf([known.Assets, next.Assets], "step {0} was acknowledged", acknowledged);
        if (acknowledged >= 0)
            now.Record.Sequence.Should().BeGreaterThanOrEqualTo(known.Record.Sequence, "what the boot file said is not taken back");
    }

    /// <summary>What the loader starts is whole.</summary>
    public SystemdBootChoice CheckEntry(FatSight now)
    {
        var choice = SystemdBootChoice.Of(now);
        BootEntry.IsSpecification(choice.Text, choice.Assets).Should().BeTrue("the entry is whole: {0}", choice.Text);
        var files = SystemdBootChoice.FilesOf(choice.Text).ToArray();
        files.Should().HaveCount(2, "there are a kernel and an initramfs");
        foreach (var file in files)
            now.Sums.GetValueOrDefault(file).Should().Be(_sums[file], "{0} is whole", file);
        return choice;
    }

    // A kernel on trial is counted by the loader, one that was confirmed is not.
    private static (string, bool) Promised(FatSight after) => (after.Assets, after.Record.State == BootState.Trial);
}
