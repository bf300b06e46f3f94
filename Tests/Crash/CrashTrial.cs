using ContentTree.BootFile;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Crash;

/// <summary>
/// One trial: a device, a run with a fault, perhaps another during the recovery, and the way back. The numbers are those of the
/// invariants in docs/testing.md.
/// </summary>
internal sealed class CrashTrial(CrashLab lab, Workflow workflow, IReadOnlyList<Fault> faults)
{
    private const int MostRuns = 3;

    // What a run asks before it knows that nothing is missing: head, timestamp, commit, delta's plan.
    private const long RunBytes = 12 * 1024;
    private const long LargeFile = 40_000;

    private static readonly int[] Failures = [1, 13, 14, 15, 16];

    private readonly Baseline _baseline = lab.Of(workflow);

    /// <summary>Null when every invariant held, else what did not.</summary>
    public async Task<string?> RunAsync()
    {
        try
        {
            await using var device = lab.Take(workflow);
            foreach (var fault in faults)
            {
                CheckEnd(fault, await FaultyProgram.RunAsync(device.Root, device.Words, fault));
                await CheckDeviceAsync(device);
            }
            var (fetched, hasLargest) = (device.Fetched, _baseline.Largest.Value > LargeFile && device.Has(_baseline.Largest.Key));
            await ConvergeAsync(device);
            if (faults.All(fault => fault is Fault.Kill))
                CheckFetched(device.Fetched - fetched, hasLargest);
            return null;
        }
        catch (Exception e)
        {
            return $"{this}: {e.Message}";
        }
    }

    public override string ToString() => $"{workflow.Name}, {string.Join(", then ", faults.Select(Describe))}";

    private string Describe(Fault fault)
    {
        if (fault is not (Fault.Kill or Fault.Fail))
            return fault.ToString();
        var call = fault switch { Fault.Kill kill => kill.Call, Fault.Fail fail => fail.Call, _ => 0 };
        return $"{fault} of {_baseline.Calls.Count} ({_baseline.Calls.ElementAtOrDefault((int)call - 1)})";
    }

    // I8: the exit code is a documented one, and the message names the cause.
    private void CheckEnd(Fault fault, ProgramEnd end)
    {
        if (end.WasKilled && fault is Fault.Kill)
            return;
        var codes = fault is Fault.Kill or Fault.Nuisance ? workflow.Done : workflow.Done.Concat(Failures);
        codes.Should().Contain(end.Code, "I8: {0}", end.Error);
        end.Error.Should().NotContain("Unhandled").And.NotContain("   at ", "I8");
        if (end.Code != 0)
            (end.Output + end.Error).Should().NotBeEmpty("I8: exit code {0} has a reason", end.Code);
    }

    private async Task CheckDeviceAsync(CrashDevice device)
    {
        device.IsOutsideUntouched.Should().BeTrue("I10: what is not the agent's stays as it is");
        if (workflow.StartsUnset)
            return;
        CheckBoot(device);
        if (!workflow.StartsDamaged)
        {
            var verified = await device.RunAsync("verify", "--full");
            verified.Code.Should().Be(0, "I3, I4: {0}{1}", verified.Output, verified.Error);
        }
        var status = await device.RunAsync("status", "--json");
        status.Code.Should().Be(0, "I8: {0}", status.Error);
        CheckTrust(DeviceShape.Of(device));
    }

    private void CheckBoot(CrashDevice device)
    {
        device.Boot.Read().Should().NotBeNull("I1: one slot is always whole");
        var chosen = DeviceShape.Chosen(device);
        chosen.Should().NotBeNull("I1: the selector finds something to start");
        var commit = DeviceShape.Deployments(device).First(d => d.Name == chosen).Commit;
        commit.Should().Match<Store.Objects.ObjectId>(id => id == _baseline.Before!.Boots || id == _baseline.After.Boots, "I2: old or new");
        if (!workflow.StartsDamaged)
            device.Digest(chosen!.Value).Should().Be(lab.TreeOf(commit), "I2: exactly that tree");
    }

    // I9: what had come is not fetched again. The largest file is most of what is to come.
    private void CheckFetched(long bytes, bool hasLargest)
    {
        var most = _baseline.Fetched + MostRuns * RunBytes - (hasLargest ? _baseline.Largest.Value : 0);
        bytes.Should().BeLessThanOrEqualTo(most, "I9: undisturbed it takes {0} bytes, {1}", _baseline.Fetched, hasLargest ? "and the largest file had come" : "and no more");
    }

    private void CheckTrust(DeviceShape now)
    {
        now.TrustRoot.Should().Be(_baseline.Before!.TrustRoot, "I7");
        foreach (var before in _baseline.Before.Seen)
            now.Seen.Should().Contain(seen => seen.Branch == before.Branch && seen.Sequence >= before.Sequence, "I7: what was seen never goes down");
    }

    private async Task ConvergeAsync(CrashDevice device)
    {
        for (var run = 1; !IsReached(device); run++)
        {
            run.Should().BeLessThanOrEqualTo(MostRuns, "I5: it gets there by itself");
            var result = await device.RunAsync(device.Words);
            if (workflow.Done.Contains(result.Code))
                break;
            result.Code.Should().Be(workflow.Done[0], "I5: {0}{1}", result.Output, result.Error);
        }
        var verified = await device.RunAsync("verify", "--full");
        verified.Code.Should().Be(0, "I3, I4 at the end: {0}{1}", verified.Output, verified.Error);
        (await device.RunAsync("gc")).Code.Should().Be(0);
        var now = DeviceShape.Of(device);
        now.Text.Should().Be(_baseline.After.Text, "I5, I6: the device is as if nothing had happened");
        _baseline.After.Events.Where(text => !IsRepair(text)).Should().BeSubsetOf(now.Events, "I8: the server is told all the same");
        Leftovers(device).Should().BeEmpty("I6");
        device.IsOutsideUntouched.Should().BeTrue("I10");
    }

    // A repair tells of what it mended itself: after one that was cut short the next may find nothing.
    private static bool IsRepair(string happened) => happened.StartsWith(EventKind.Repaired, StringComparison.Ordinal);

    // What undoes itself when it is run twice is run again only when its switch did not happen.
    private bool IsReached(CrashDevice device) =>
        workflow.IsSteering && device.Boot.Read() is { State: BootState.Good } && DeviceShape.Of(device).Boots == _baseline.After.Boots;

    private static IEnumerable<string> Leftovers(CrashDevice device) =>
        Directory.GetFileSystemEntries(Path.Combine(device.Root, "ctree"), "*", SearchOption.AllDirectories)
            .Where(path => Path.GetFileName(path) is var name && (name.StartsWith(".new-", StringComparison.Ordinal) ||
                name.StartsWith(".trash-", StringComparison.Ordinal) || name.StartsWith(".link-", StringComparison.Ordinal) ||
                name.EndsWith(".part", StringComparison.Ordinal) || path.Contains("/incoming/", StringComparison.Ordinal)));
}
