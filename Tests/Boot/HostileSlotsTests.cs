using System.Collections.Concurrent;
using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Tests.Crash;
using Xunit.Abstractions;

namespace ContentTree.Tests.Boot;

/// <summary>A hundred thousand boot files of garbage, torn and hostile slots: the selector boots what is whole, or goes to rescue; docs/testing.md.</summary>
[Trait("Category", "Slow")]
public sealed class HostileSlotsTests(ITestOutputHelper output)
{
    private const int Trials = 100_000;
    private const int MoreBoots = 5;
    private const int FewFollow = 10;
    private const string NothingThere = "rescue: nothing there", AnotherRound = "rescue: another round";

    [Fact]
    public void Whatever_the_slots_hold_it_boots_a_whole_deployment_or_goes_to_rescue()
    {
        var ends = new ConcurrentDictionary<string, int>();
        var workers = Environment.ProcessorCount;
        Parallel.For(0, workers, worker =>
        {
            var random = new Random(CrashProfile.Seed + worker);
            var slots = new HostileSlots(random);
            Device[] devices = [new(0), new(1), new(3)];
            try
            {
                for (var trial = worker; trial < Trials; trial += workers)
                {
                    var device = devices[trial % 50 == 0 ? 0 : random.Next(1, devices.Length)];
                    var end = device.Try(slots.Next(), slots.Next(), trial % FewFollow == 0 ? MoreBoots : 0);
                    ends.AddOrUpdate(end, 1, (_, count) => count + 1);
                }
            }
            finally
            {
                Array.ForEach(devices, device => device.Dispose());
            }
        });
        foreach (var (end, count) in ends.OrderByDescending(end => end.Value))
            output.WriteLine($"{count,7} {end}");
        output.WriteLine($"{ends.Values.Sum()} boot files, CTREE_CRASH_SEED={CrashProfile.Seed}");
        ends.Values.Sum().Should().Be(Trials);
        ends.Keys.Should().Contain(["Wanted", "Previous", "Newest", NothingThere, AnotherRound], "each way to end is met");
    }

    /// <summary>Deployments of which some are complete; 4 has no marker, 5 only a marker, the commit of 3 is denied.</summary>
    private sealed class Device : IDisposable
    {
        private readonly TemporaryDirectory _root = new(Directory.Exists("/dev/shm") ? "/dev/shm" : null);
        private readonly DeviceLayout _layout;
        private readonly BootSlots _slots;
        private readonly DeploymentName[] _whole;

        public Device(ulong complete)
        {
            _layout = new DeviceLayout(_root.Path);
            _slots = new BootSlots(_layout.Boot);
            foreach (var path in new[] { _layout.Boot, _layout.State, _layout.Deployments, _layout.Deployment(BootSamples.Name(4)) })
                Directory.CreateDirectory(path);
            _whole = [.. Enumerable.Range(1, (int)complete).Select(number => BootSamples.Name((ulong)number))];
            foreach (var name in _whole)
                Directory.CreateDirectory(_layout.Deployment(name));
            foreach (var name in _whole.Append(BootSamples.Name(5)))
                File.WriteAllText(_layout.Marker(name), BootSamples.Complete(name.Number).Marker.Format());
            File.WriteAllText(_layout.Denied, $"{BootSamples.Commit(3)} failed-boot 2026-01-01T00:00:00Z 0 test\n");
        }

        /// <summary>How the first boot ended; others follow it.</summary>
        public string Try(byte[]? a, byte[]? b, int more)
        {
            Put(_slots.PathA, a);
            Put(_slots.PathB, b);
            var first = BootOnce();
            var last = first;
            for (var boot = 0; boot < more; boot++)
            {
                var end = BootOnce();
                if (end == AnotherRound && last == AnotherRound && _slots.Read() is { Sequence: < BootRecord.MaxSequence } record)
                    throw new InvalidOperationException($"two rescues in a row with {record}");
                last = end;
            }
            return first;
        }

        private string BootOnce()
        {
            var selector = new Selector(_layout, _slots, new KernelCommandLine(""));
            switch (selector.Choose().Decision)
            {
                case BootDecision.Boot boot:
                    _whole.Should().Contain(boot.Deployment, "only what is whole is booted");
                    return boot.Reason.ToString();
                case BootDecision.Rescue { NewRound: { } round }:
                    _whole.Should().NotBeEmpty("a new round needs something to boot");
                    TrySave(selector, round);
                    return AnotherRound;
                default:
                    _whole.Should().BeEmpty("rescue without a way out is for devices with nothing to boot");
                    return NothingThere;
            }
        }

        private static void TrySave(Selector selector, BootRecord round)
        {
            try
            {
                selector.Save(round);
            }
            catch (IOException)
            {
                // Its sequence cannot rise; the selector goes on without a count.
            }
        }

        private static void Put(string path, byte[]? bytes)
        {
            if (bytes is null)
                File.Delete(path);
            else
                File.WriteAllBytes(path, bytes);
        }

        public void Dispose() => _root.Dispose();
    }
}
