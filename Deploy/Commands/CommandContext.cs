using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary>What every verb works with.</summary>
internal sealed class CommandContext(DeviceRoot root, string verb, Output output, bool wait, TimeProvider clock)
{
    public DeviceRoot Root { get; } = root;

    public string Verb { get; } = verb;

    public Output Output { get; } = output;

    public TimeProvider Clock { get; } = clock;

    /// <summary>Reads the configuration; keys that nothing knows are told of and passed over.</summary>
    public AgentConfig LoadConfig()
    {
        var config = AgentConfig.Load(Root);
        foreach (var setting in config.Unknown)
            Output.Say($"ctree: {setting.Origin}: unknown setting {setting.Key}");
        if (config.IsHttpDoubtful)
            Output.Say($"ctree: {config.Server}: everybody on the way can read along; use https://, or set [server] allow-http = true where that does not matter");
        return config;
    }

    /// <summary>The device, to look at.</summary>
    public Device Open() => Device.Open(Root, LoadConfig(), Clock);

    /// <summary>Changes the device under its lock.</summary>
    public async Task<ExitCode> ChangeAsync(Func<Device, Task<ExitCode>> change, CancellationToken cancellation)
    {
        PhysicalMount.EnsureWritable(Root);
        using var held = await DeviceLock.TakeAsync(Root, Verb, wait, cancellation).ConfigureAwait(false);
        using var device = Open();
        RequireRights(device);
        SpareFiles.Refill(Root.Layout.State);
        return await change(device).ConfigureAwait(false);
    }

    public Task<ExitCode> ChangeAsync(Func<Device, ExitCode> change, CancellationToken cancellation) =>
        ChangeAsync(device => Task.FromResult(change(device)), cancellation);

    /// <summary>As <see cref="ChangeAsync(Func{Device, Task{ExitCode}}, CancellationToken)"/>, for what the server and "status" are to hear of.</summary>
    /// <param name="job">What to do.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <param name="afterwards">Runs when the end is written down, also that of a job that failed.</param>
    public Task<ExitCode> JobAsync(
        Func<Device, Task<(ExitCode Code, string Message)>> job, CancellationToken cancellation, Action<Device>? afterwards = null) =>
        ChangeAsync(async device =>
        {
            try
            {
                return await new JobRecord(device, Verb).RunAsync(() => job(device)).ConfigureAwait(false);
            }
            finally
            {
                afterwards?.Invoke(device);
            }
        }, cancellation);

    /// <exception cref="StoppedException">No server is configured.</exception>
    public static Sources Connect(Device device) => device.Config.Server is { } server
        ? new Sources(server, device.Config, device.State, device.Clock)
        : throw new StoppedException(ExitCode.Usage, $"no server is configured: set [server] url in {device.Root.DeviceConfig}");

    public static void RequireRights(Device device)
    {
        if (!device.Config.Unprivileged && !Posix.IsRoot)
            throw new StoppedException(ExitCode.Failed, $"{device.Root.Top} belongs to root: run this as root");
    }
}
