using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>Whether a commit is meant for this device at all.</summary>
internal static class Fitness
{
    /// <exception cref="StoppedException">Other hardware, another processor, or on the deny list.</exception>
    public static void Require(Device device, ObjectId id, Commit commit)
    {
        var (own, hardware) = (device.Config.Architecture, device.Config.Hardware);
        if (commit.Architecture.Length > 0 && commit.Architecture != own && !(commit.Architecture == "i386" && own == "x86_64"))
            throw new StoppedException(ExitCode.Held, $"commit {id} is for {commit.Architecture} processors, this device has {own}");
        if (commit.Compatible.Count > 0 && !commit.Compatible.Contains(hardware))
        {
            var what = hardware.Length > 0 ? $"this device is {hardware}" : "this device does not know what it is: set [device] hardware in agent.conf";
            throw new StoppedException(ExitCode.Held, $"commit {id} is for {string.Join(", ", commit.Compatible)}, and {what}");
        }
        RequireAllowed(device, id);
    }

    /// <exception cref="StoppedException">The commit is on the deny list.</exception>
    public static void RequireAllowed(Device device, ObjectId id)
    {
        if (device.Denials.Find(id) is { } denial)
            throw new StoppedException(ExitCode.Held, $"commit {id} is denied here ({denial.Reason}: {denial.Text}); 'ctree allow {id}' lifts it");
    }
}
