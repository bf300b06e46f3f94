using ContentTree.Deploy.Loaders;
using ContentTree.Deploy.Transfer;
using ContentTree.Store.Deltas;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Deployments;

/// <summary>Room for a kernel on the boot partition, asked for before anything is downloaded and again before anything is written.</summary>
internal static class KernelRoom
{
    /// <summary>Why the commit of a plan cannot be booted here; null when it can, as far as its trees tell.</summary>
    public static string? Objection(Device device, PullPlan plan)
    {
        try
        {
            Require(device, plan);
            return null;
        }
        catch (Exception e) when (e is StoppedException or CorruptDeltaException)
        {
            return e.Message;
        }
    }

    /// <exception cref="StoppedException">The boot partition has no room for its kernel, or its kernel cannot be started here.</exception>
    public static void Require(Device device, PullPlan plan)
    {
        if (Of(device, plan) is not { IsShort: true } room)
            return;
        throw new StoppedException(ExitCode.NoSpace,
            $"the kernel of this commit does not fit into {room.Directory}: it needs {Sizes.Text(room.Bytes)}, {Sizes.Text(room.Free)} are free or can be made free; " +
            "what runs and what it falls back to keep their kernels");
    }

    /// <summary>What the plan's kernel takes on the boot partition; null when it brings none there.</summary>
    /// <exception cref="StoppedException">Its kernel cannot be started here.</exception>
    public static BootRoom? Of(Device device, PullPlan plan)
    {
        if (!RootFilesystem.IsOne(plan.Read(plan.Root)))
            return null;
        KernelElsewhere.Require(device, plan.Id, plan.Root, plan.Read);
        var loader = new DeviceLoader(device);
        return loader.Find(plan.Root, plan.Read) is { } assets ? loader.RoomFor(assets, new Retention(device).Stay()) : null;
    }

    /// <summary>What no rule holds makes room, with its kernel; what may be fallen back to does not.</summary>
    /// <exception cref="StoppedException">There is still none.</exception>
    public static void Make(Device device, DeviceLoader loader, BootAssets assets)
    {
        if (loader.IsShortOfRoom(assets))
            new Retention(device).RemoveDeployments();
        loader.RequireRoom(assets);
    }
}
