using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.State;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>Looks at <c>/etc</c> once in each boot and every <c>drift.check</c>, and knows whether what it found is news to the server.</summary>
internal static class DriftNews
{
    /// <summary>Null when the server knows it.</summary>
    public static DeviceDrift? Of(Device device) => device.State.Drift is { IsNews: true, Found: { } found } ? found : null;

    /// <summary>Looks when it is time to; the caller holds the device's lock. What cannot be compared keeps nobody from polling.</summary>
    public static void LookWhenDue(Device device)
    {
        if (device.Config.DriftCheck == TimeSpan.Zero || device.Booted is not { } booted)
            return;
        try
        {
            Look(device, $"{DeviceSelf.BootId()} {booted.Deployment}");
        }
        catch (Exception e) when (Outcome.CodeOf(e) is not null)
        {
            // A full disk, for one: what keeps the state from being written must not keep the device from being heard.
        }
    }

    private static void Look(Device device, string boot)
    {
        var (state, now) = (device.State.Drift, device.Clock.GetUtcNow());
        // A clock that was set back is no reason to wait for years.
        if (state.Boot == boot && now >= state.Time && now - state.Time < device.Config.DriftCheck)
            return;
        try
        {
            Write(device, boot, EtcDrift.Look(device));
        }
        catch (Exception e) when (Outcome.CodeOf(e) is not null)
        {
            device.State.Drift = state with { Time = now, Boot = boot };
        }
    }

    /// <summary>What a server has made of it. One that keeps no such thing hears it again after the next look, no sooner.</summary>
    public static void Answered(Device device, DeviceDrift told, bool isKept)
    {
        var state = device.State.Drift;
        device.State.Drift = state with { Told = isKept ? told : state.Told, IsNews = false };
    }

    /// <summary>The server has forgotten what it was told.</summary>
    public static void Forgotten(Device device)
    {
        if (device.State.Drift is { Found: not null, IsNews: false } state)
            device.State.Drift = state with { Told = null, IsNews = true };
    }

    private static void Write(Device device, string boot, DeviceDrift? found)
    {
        var told = device.State.Drift.Told;
        device.State.Drift = new DriftState(device.Clock.GetUtcNow(), boot, found, told, found is not null && !found.IsSame(told));
    }
}
