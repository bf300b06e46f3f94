using System.Diagnostics;
using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Tests.Boot;
using Xunit.Abstractions;

namespace ContentTree.Tests.Crash;

/// <summary>The selector killed at every call that changes a file system: no try is lost, no count goes up, and the next boot goes on.</summary>
[Trait("Category", "Slow")]
public sealed class SelectorCrashTests(ITestOutputHelper output)
{
    // The build of this test run: the static program that is shipped has no libc to come before.
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "ctree-select");

    [MountFact]
    public void Counting_a_trial() => TryAtEveryCall([], BootSamples.Record(BootState.Trial, 2, 1, 3), expected: 2);

    [MountFact]
    public void Falling_back() => TryAtEveryCall([], BootSamples.Record(BootState.Trial, 2, 1, 0), expected: 1);

    [MountFact]
    public void Leading_a_link_to_a_trial() => TryAtEveryCall(["--link", "current"], BootSamples.Record(BootState.Trial, 2, 1, 3), expected: 2);

    [MountFact]
    public void Leading_a_link_back() => TryAtEveryCall(["--link", "current"], BootSamples.Record(BootState.Trial, 2, 1, 0), expected: 1);

    private void TryAtEveryCall(string[] words, BootRecord record, ulong expected)
    {
        using var first = new Device(record, linked: expected == 1 ? 2ul : 1);
        var calls = first.Run(words, kill: 0);
        var mine = Enumerable.Range(1, calls.Length).Where(call => calls[call - 1].Contains(first.Root, StringComparison.Ordinal)).ToArray();
        mine.Should().HaveCountGreaterThan(2, "it writes its count and its record");
        first.Chosen().Should().Be(expected);
        foreach (var kill in mine)
        {
            using var device = new Device(record, linked: expected == 1 ? 2ul : 1);
            device.Run(words, kill);
            device.CheckAfterKill(record, $"killed at call {kill}: {calls[kill - 1]}");
            device.Run(words, kill: 0);
            device.Chosen().Should().Be(expected, "the next boot goes on, killed at {0}", kill);
            if (words.Length > 0)
                device.Link.Should().Be(device.Deployment(expected), "killed at {0}", kill);
        }
        output.WriteLine($"{mine.Length} calls");
        CrashProfile.Record($"selector {string.Join(' ', words)} {record.State} with {record.TriesLeft} tries: {mine.Length} kills, 0 failed");
    }

    private sealed class Device : IDisposable
    {
        private readonly Support.TemporaryDirectory _directory = new();
        private readonly DeviceLayout _layout;
        private readonly BootSlots _slots;

        public Device(BootRecord record, ulong linked)
        {
            _layout = new DeviceLayout(_directory["root"]);
            _slots = new BootSlots(_layout.Boot);
            foreach (var path in new[] { _layout.Boot, _layout.State, _layout.Deployment(BootSamples.Name(1)), _layout.Deployment(BootSamples.Name(2)) })
                Directory.CreateDirectory(path);
            foreach (var number in new ulong[] { 1, 2 })
                File.WriteAllText(_layout.Marker(BootSamples.Name(number)), BootSamples.Complete(number).Marker.Format());
            _slots.Create();
            _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
            _slots.Write(record);
            File.CreateSymbolicLink(Path.Combine(Root, "current"), Deployment(linked));
        }

        public string Root => _layout.Root;

        public string? Link => new FileInfo(Path.Combine(Root, "current")).LinkTarget;

        public string Deployment(ulong number) => _layout.Deployment(BootSamples.Name(number));

        public ulong Chosen() => BootedRecord.Read(_layout.Booted)!.Deployment.Number;

        /// <summary>What it called, up to the kill; the mounts it makes go with their namespace.</summary>
        public string[] Run(string[] words, int kill)
        {
            var log = _directory["calls"];
            File.Delete(log);
            string[] rest = words.Length == 0 ? ["--print"] : [words[0], Path.Combine(Root, words[1])];
            var start = new ProcessStartInfo("unshare", ["-m", "env", $"LD_PRELOAD={FaultyProgram.Shim}", $"FAULT_LOG={log}", .. kill > 0 ? new[] { $"FAULT_AT={kill}", "FAULT_KILL=1" } : [],
                "DOTNET_EnableDiagnostics=0", "DOTNET_EnableWriteXorExecute=0", "DOTNET_TieredCompilation=0", Program, "--root", Root, .. rest])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            };
            using var process = Process.Start(start)!;
            var error = process.StandardError.ReadToEndAsync();
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            process.ExitCode.Should().Be(kill > 0 ? 137 : 0, error.Result);
            return File.ReadAllLines(log);
        }

        public void CheckAfterKill(BootRecord before, string when)
        {
            var now = _slots.Read();
            now.Should().NotBeNull(when);
            (now!.Wanted, now.Previous).Should().Be((before.Wanted, before.Previous), when);
            if (now.State == before.State)
                now.TriesLeft.Should().BeInRange(before.TriesLeft - 1, before.TriesLeft, when);
            else
                now.State.Should().Be(BootState.Fallback, when);
            new Selector(_layout, _slots, new KernelCommandLine("")).Look().Decision.Should().BeOfType<BootDecision.Boot>(when);
            Link.Should().BeOneOf([Deployment(1), Deployment(2)], when);
        }

        public void Dispose() => _directory.Dispose();
    }
}
