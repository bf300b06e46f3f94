using ContentTree.Store.Objects;

namespace ContentTree.Tests.Crash;

/// <summary>What a device that lived through a recording promised at each step, held against what a power cut left of it.</summary>
internal sealed class CutPromise(CutRecording recording)
{
    private readonly List<(ObjectId Boots, ulong Sequence)> _after = [];
    private readonly Dictionary<ObjectId, string> _trees = [];

    /// <summary>The disks as they were at each acknowledgement, where nothing was lost: they are learnt from in this order.</summary>
    public IEnumerable<(CutStep Step, CutState State)> Acknowledgements =>
        recording.Steps.Zip(recording.Acknowledged, (step, at) => (step, new CutState(CutState.Prefix, at, at + 1, [at])));

    public void Learn(CutStep step, Bootable now)
    {
        _after.Add((now.Commit, now.Sequence));
        if (!step.Damages)
            _trees[now.Commit] = now.Tree;
        if (_after.Count == recording.Steps.Count)
            _after.Select(after => after.Boots).Distinct().Should().HaveCount(3, "the device went through three trees");
    }

    /// <summary>Whole, and what was acknowledged or what the next step is about to do.</summary>
    public void Check(Bootable now, CutState state)
    {
        var acknowledged = Acknowledged(state);
        var known = acknowledged < 0 ? _after[0] : _after[acknowledged];
        var next = _after[Math.Min(acknowledged + 1, _after.Count - 1)];
        $"{now.Commit}".Should().BeOneOf([$"{known.Boots}", $"{next.Boots}"], "step {0} was acknowledged; boot file at {1}, before at {2}", acknowledged, now.Sequence, known.Sequence);
        if (acknowledged >= 0)
            now.Sequence.Should().BeGreaterThanOrEqualTo(known.Sequence, "what the boot file said is not taken back");
        if (!IsDamaged(state))
            CheckTree(now);
    }

    public void CheckTree(Bootable now) => now.Tree.Should().Be(_trees[now.Commit], "what is booted is whole");

    /// <summary>From before the damage was acknowledged until its repair was.</summary>
    public bool IsDamaged(CutState state) => Acknowledged(state) is var acknowledged &&
        acknowledged + 1 < recording.Steps.Count && recording.Steps.Take(acknowledged + 2).Any(step => step.Damages);

    private int Acknowledged(CutState state) => recording.Acknowledged.Count(at => at < state.End) - 1;
}
