using ContentTree.BootFile;
using ContentTree.Deploy.Deployments;

namespace ContentTree.Deploy.Booting;

/// <summary>What boot file and notes together say about the past.</summary>
internal static class BootHistory
{
    /// <summary>Whether the deployment has ever passed its trial. The boot file is asked as well: it is written first.</summary>
    public static bool IsConfirmed(Device device, DeploymentName name) =>
        device.State.Deployments.Find(name) is { Confirmed: true } ||
        (device.Boot.Read() is { } record && (record.Previous == name || (record.State == BootState.Good && record.Wanted == name)));

    /// <summary>The deployment that was good last and is complete, without the given ones: what a trial falls back to.</summary>
    public static DeploymentName? LastGood(Device device, params DeploymentName[] without)
    {
        var record = device.Boot.Read();
        var complete = FinishedDeployment.Scan(device.Layout).Select(d => d.Name).Where(name => !without.Contains(name)).ToArray();
        // Not the one with the highest number: a rollback goes back in numbers.
        var named = record is { State: BootState.Good } ? record.Wanted : record?.Previous;
        if (named is { } last && complete.Contains(last))
            return last;
        return complete.Where(name => IsConfirmed(device, name)).Select(name => (DeploymentName?)name).FirstOrDefault();
    }
}
