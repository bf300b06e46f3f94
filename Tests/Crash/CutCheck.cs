using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Deploy.Commands;
using ContentTree.Tests.Deploy;

namespace ContentTree.Tests.Crash;

/// <summary>What a device promises after a power cut, held against one disk after the other.</summary>
internal sealed class CutCheck(CutRecording recording, string server)
{
    private static readonly int[] Recovered = [0, 16];

    private readonly CutPromise _promise = new(recording);

    /// <summary>Learns from the disk as it was at each acknowledgement, where nothing was lost.</summary>
    public async Task LearnAsync(CutImage image)
    {
        foreach (var (step, state) in _promise.Acknowledgements)
        {
            image.Become(state);
            image.Mount();
            try
            {
                _promise.Learn(step, Bootable.On(image.Root));
                if (step.Damages)
                    continue;
                var verified = await RunAsync(image.Root, "verify", "--full");
                verified.Code.Should().Be(0, "after '{0}' nothing is damaged: {1}", step.Command, verified.Output);
            }
            finally
            {
                image.Unmount();
            }
        }
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
                _promise.Check(Bootable.On(image.Root), state);
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

    // The device is started again: the selector counts, the agent does what is left to do.
    private async Task RecoverAsync(string root, CutState state)
    {
        File.AppendAllText(Path.Combine(root, "etc/ctree/agent.conf"), $"[server]\nurl = {server}\nallow-http = true\n");
        if (_promise.IsDamaged(state))
            (await RunAsync(root, "repair")).Code.Should().Be(0, "a repair that was cut short is done again");
        Commands.Run(["--root", root, "--print"], new KernelCommandLine(""), new Terminal(_ => { }, _ => { })).Should().Be(0);
        var updated = await RunAsync(root, "update");
        Recovered.Should().Contain(updated.Code, "the next run goes on: {0}{1}", updated.Output, updated.Error);
        var collected = await RunAsync(root, "gc");
        collected.Code.Should().Be(0, collected.Error);
        var verified = await RunAsync(root, "verify", "--full");
        verified.Code.Should().Be(0, "nothing is damaged: {0}{1}", verified.Output, verified.Error);
        _promise.CheckTree(Bootable.On(root));
    }

    private static async Task<CommandResult> RunAsync(string root, params string[] words)
    {
        var (results, people) = (new StringWriter(), new StringWriter());
        var code = await CommandLine.RunAsync(["--root", root, .. words], results, people, raw: Stream.Null);
        return new CommandResult(code, results.ToString(), people.ToString(), []);
    }
}
