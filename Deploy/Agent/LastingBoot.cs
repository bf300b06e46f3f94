using ContentTree.BootFile;
using ContentTree.Deploy.Config;
using ContentTree.Store;

namespace ContentTree.Deploy.Agent;

/// <summary>
/// Says durably that this boot of a confirmed deployment has lasted: the selector counts those that do not, and slows them down. Written
/// once a boot, and only where the selector has something to count.
/// </summary>
internal sealed class LastingBoot(DeviceRoot root, AgentConfig config, TimeProvider clock)
{
    private static ReadOnlySpan<byte> FileName => "early-boots"u8;

    /// <returns>How long until there is something to say; <see cref="TimeSpan.MaxValue"/> for nothing in this boot.</returns>
    /// <exception cref="Store.Repositories.StoreLockedException">Somebody else works on the device.</exception>
    public async Task<TimeSpan> RunAsync(CancellationToken cancellation)
    {
        if (config.IsLinked || Said() is null)
            return TimeSpan.MaxValue;
        // The clock of the machine, not of this process: it begins with the kernel.
        var left = EarlyBoots.Lasting - clock.GetElapsedTime(0);
        if (left > TimeSpan.Zero)
            return left;
        using var held = await DeviceLock.TakeAsync(root, "agent", wait: false, cancellation).ConfigureAwait(false);
        if (Said() is { } lasted)
        {
            using var state = Posix.OpenDirectory(root.Layout.State);
            DurableFiles.Replace(state, FileName, lasted.Encode());
        }
        return TimeSpan.MaxValue;
    }

    /// <summary>What the file is to say; null when it does, or when nothing confirmed runs.</summary>
    private EarlyBoots? Said()
    {
        using var device = Device.Open(root, config, clock);
        if (device.Boot.Read() is not { State: BootState.Good } record || device.Booted?.Deployment != record.Wanted)
            return null;
        var lasted = new EarlyBoots(record.Wanted);
        return EarlyBoots.Read(root.Layout.EarlyBoots) == lasted ? null : lasted;
    }
}
