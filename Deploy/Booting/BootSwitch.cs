using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.Health;
using ContentTree.Deploy.Loaders;

namespace ContentTree.Deploy.Booting;

/// <summary>The only writer of the boot file. Each write is the whole switch: before it the old choice holds, after it the new one.</summary>
internal static class BootSwitch
{
    /// <summary>Makes a finished deployment the one to boot: on trial, or without one if it was the last good one anyway.</summary>
    public static BootRecord Want(Device device, FinishedDeployment deployment)
    {
        var record = device.Boot.Read();
        if (record is { State: not BootState.Fallback } && record.Wanted == deployment.Name)
            return record;
        if (BootHistory.LastGood(device) == deployment.Name)
            return Good(device, deployment);
        new TrialDiary(device).Begin(deployment.Name);
        return Write(device, new BootRecord
        {
            Wanted = deployment.Name,
            Previous = BootHistory.LastGood(device, deployment.Name),
            State = BootState.Trial,
            TriesLeft = device.Config.Tries,
        });
    }

    /// <summary>Takes the running trial its tries: the next boot falls back. False when there is nothing to fall back to.</summary>
    public static bool GiveUp(Device device)
    {
        if (device.Boot.Read() is not { State: BootState.Trial, Previous: not null } record)
            return false;
        Write(device, record with { TriesLeft = 0 });
        return true;
    }

    /// <summary>Makes a deployment the good one: no trial, nothing counted.</summary>
    public static BootRecord Good(Device device, FinishedDeployment deployment)
    {
        var written = WriteGood(device, deployment);
        Note(device, deployment.Name);
        return written;
    }

    /// <summary>As <see cref="Good"/>, but only the boot file, which needs no room on the disk.</summary>
    public static BootRecord WriteGood(Device device, FinishedDeployment deployment)
    {
        var record = device.Boot.Read();
        // A confirmed trial keeps what it would have fallen back to.
        var previous = record is { State: BootState.Trial, Previous: { } kept } && record.Wanted == deployment.Name
            ? kept
            : BootHistory.LastGood(device, Excluded(record, deployment.Name));
        return Write(device, new BootRecord { Wanted = deployment.Name, Previous = previous, State = BootState.Good });
    }

    /// <summary>Remembers that a deployment passed its trial, also when the boot file has other names.</summary>
    public static void Note(Device device, DeploymentName name)
    {
        var notes = device.State.Deployments;
        if (notes.Find(name) is { Confirmed: false } note)
            device.State.Deployments = notes.With(note with { Confirmed = true });
    }

    // A deployment that is left before it was confirmed is not what to fall back to.
    private static DeploymentName[] Excluded(BootRecord? record, DeploymentName wanted) =>
        record is { State: not BootState.Good } ? [wanted, record.Wanted] : [wanted];

    private static BootRecord Write(Device device, BootRecord record)
    {
        var loader = new DeviceLoader(device);
        // The loader first: an unproven kernel is counted from its first start, and a loader that fails ends the switch here. Not after
        // a fallback: what runs must not use up its tries because the loader fails.
        var isSettled = device.Boot.Read() is not { State: BootState.Fallback };
        if (isSettled)
            loader.Follow(record);
        var written = device.Boot.Write(record);
        if (device.Boot.Read() != written)
            throw new IOException($"{device.Boot.PathA}: the boot file does not read back as written");
        if (!isSettled)
            loader.Follow(record);
        return written;
    }
}
