using ContentTree.BootSelector;
using ContentTree.Deploy.Commands;
using ContentTree.Store.Objects;
using ContentTree.Tests.Deploy;

namespace ContentTree.Tests.Crash;

/// <summary>What a device promises after a power cut, held against one disk after the other.</summary>
internal sealed class CutCheck(CutRecording recording, string server)
{
    private static readonly int[] Recovered = [0, 16];

    private readonly List<(ObjectId Boots, ulong Sequence)> _after = [];
    private readonly Dictionary<ObjectId, string> _trees = [];

    /// <summary>Learns from the disk as it was at each acknowledgement, where nothing was lost.</summary>
    public async Task LearnAsync(CutImage image)
    {
        foreach (var (step, at) in CutRecording.Steps.Zip(recording.Acknowledged))
        {
            image.Become(new CutState(CutState.Prefix, at, at + 1, [at]));
            image.Mount();
            try
            {
                var (commit, tree, sequence) = Bootable.On(image.Root);
                _after.Add((commit, sequence));
                if (step.Damages)
                    continue;
                var verified = await RunAsync(image.Root, "verify", "--full");
                verified.Code.Should().Be(0, "after '{0}' nothing is damaged: {1}", step.Command, verified.Output);
                _trees[commit] = tree;
            }
            finally
            {
                image.Unmount();
            }
        }
        _after.Select(after => after.Boots).Distinct().Should().HaveCount(3, "the device went through three trees");
    }

    /// <summary>Null when everything holds, else what does not.</summary>
    public async Task<string?> TryAsync(CutImage image, CutState state, bool recovers)
    {
        try
        {
            image.Become(state);
            image.Mount();
            try
            {
                CheckBoot(image.Root, state);
                if (recovers)
                    await RecoverAsync(image.Root, state);
            }
            finally
            {
                image.Unmount();
            }
            if (recovers)
                image.CheckFileSystem().Should().BeEmpty("the file system is whole");
            return null;
        }
        catch (Exception e)
        {
            return $"{state}: {e.Message}";
        }
    }

    private void CheckBoot(string root, CutState state)
    {
        var acknowledged = Acknowledged(state);
        var (commit, tree, sequence) = Bootable.On(root);
        var known = acknowledged < 0 ? _after[0] : _after[acknowledged];
        var next = _after[Math.Min(acknowledged + 1, _after.Count - 1)];
        commit.Should().Match<ObjectId>(id => id == known.Boots || id == next.Boots, "step {0} was acknowledged", acknowledged);
        if (acknowledged >= 0)
            sequence.Should().BeGreaterThanOrEqualTo(known.Sequence, "what the boot file said is not taken back");
        if (!IsDamaged(acknowledged))
            tree.Should().Be(_trees[commit], "what is booted is whole");
    }

    // The device is started again: the selector counts, the agent does what is left to do.
    private async Task RecoverAsync(string root, CutState state)
    {
        File.AppendAllText(Path.Combine(root, "etc/ctree/agent.conf"), $"[server]\nurl = {server}\nallow-http = true\n");
        if (IsDamaged(Acknowledged(state)))
            (await RunAsync(root, "repair")).Code.Should().Be(0, "a repair that was cut short is done again");
        Commands.Run(["--root", root, "--print"], new KernelCommandLine(""), new Terminal(_ => { }, _ => { })).Should().Be(0);
        var updated = await RunAsync(root, "update");
        Recovered.Should().Contain(updated.Code, "the next run goes on: {0}{1}", updated.Output, updated.Error);
        var collected = await RunAsync(root, "gc");
        collected.Code.Should().Be(0, collected.Error);
        var verified = await RunAsync(root, "verify", "--full");
        verified.Code.Should().Be(0, "nothing is damaged: {0}{1}", verified.Output, verified.Error);
        var (commit, tree, _) = Bootable.On(root);
        tree.Should().Be(_trees[commit]);
    }

    private int Acknowledged(CutState state) => recording.Acknowledged.Count(at => at < state.End) - 1;

    // From before the damage was acknowledged until its repair was.
    private static bool IsDamaged(int acknowledged) =>
        acknowledged + 1 < CutRecording.Steps.Count && CutRecording.Steps.Take(acknowledged + 2).Any(step => step.Damages);

    private static async Task<CommandResult> RunAsync(string root, params string[] words)
    {
        var (results, people) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(["--root", root, .. words], results, people, raw: Stream.Null);
        return new CommandResult(code, results.ToString(), people.ToString(), []);
    }
}
