using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.State;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Setup;

/// <summary>
/// Makes a device out of a directory. What is there already stays; the trust root comes first and <c>follow.json</c> last, so that an
/// interrupted set-up is simply run again.
/// </summary>
internal sealed class DeviceSetup(CommandContext context, DeviceValues values, string? trustFile, bool trustOnFirstUse)
{
    private DeviceRoot Root => context.Root;

    /// <exception cref="StoppedException">Set up with other values, or there is no reason to trust the server.</exception>
    public async Task<ExitCode> RunAsync(CancellationToken cancellation)
    {
        if (!values.Unprivileged && !Posix.IsRoot)
            throw new StoppedException(ExitCode.Usage, "owners can only be applied by root: run this as root, or pass --unprivileged");
        var existing = Directory.Exists(Root.Layout.State) ? new DeviceStateFiles(Root, context.Clock).TryFollow : null;
        if (AgentConfig.IsReadable(values.Server))
            RequireHttpAllowed(existing is not null);
        if (existing is not null)
            RequireSameValues(existing);
        var trusted = await FindTrustRootAsync(cancellation).ConfigureAwait(false);
        MakeLayout();
        using (await DeviceLock.TakeAsync(Root, context.Verb, wait: false, cancellation).ConfigureAwait(false))
            await SetUpAsync(trusted, existing, cancellation).ConfigureAwait(false);
        return ExitCode.Done;
    }

    // Content is verified by keys either way, so a root that came by another way is reason enough; one that comes this way is not.
    private void RequireHttpAllowed(bool isSetUp)
    {
        const string Warning = "everybody on the way can read along; use https://";
        var allowed = AgentConfig.Load(Root).AllowHttp;
        if (allowed == "false")
            throw new StoppedException(ExitCode.Usage, $"{values.Server}: {Warning}: [server] allow-http = false refuses this");
        if (values.AllowHttp || allowed == "true")
            return;
        if (trustFile is null && !isSetUp)
            throw new StoppedException(ExitCode.Usage, $"{values.Server}: {Warning}, or pass --allow-http where that does not matter, or --trust root.json");
        context.Output.Say($"ctree: {values.Server}: {Warning}; --allow-http says that this does not matter");
    }

    private async Task SetUpAsync(TrustRoot trusted, FollowState? existing, CancellationToken cancellation)
    {
        var state = new DeviceStateFiles(Root, context.Clock);
        WriteOnce(Root.Top, "agent.conf", ConfigText(), 0x1a4);
        var trust = new TrustState(Root, context.Clock);
        if (trust.TryRoot() is null)
            trust.WriteRoot(trusted);
        MakeKey();
        if (values.Token is not null && state.Enrolment.Answer != DeviceState.Accepted)
            state.Enrolment = state.Enrolment with { Token = values.Token };
        if (existing is null)
            state.Follow = new FollowState(values.Branch);
        using var device = Device.Open(Root, context.LoadConfig(), context.Clock);
        using (var deployments = Posix.OpenDirectory(Root.Layout.Deployments))
            LinkTest.Run(device.Store, deployments);
        device.Boot.Create();
        using (var key = device.ReadKey())
            context.Output.Say($"device {key.Id}, trust root {trust.Root().Fingerprint}");
        await IntroduceAsync(device, cancellation).ConfigureAwait(false);
    }

    private async Task IntroduceAsync(Device device, CancellationToken cancellation)
    {
        try
        {
            using var sources = new Sources(values.Server, device.Config, device.State, context.Clock);
            var answer = await new HeadSource(device, sources).EnrolAsync(cancellation).ConfigureAwait(false);
            context.Output.Say(answer switch
            {
                null => "the server keeps no devices: plain files are enough",
                DeviceState.Accepted => "the server has accepted this device",
                DeviceState.Rejected => "the server has rejected this device; ask its operator",
                _ => "the server has yet to accept this device: 'ctree-server device accept' there",
            });
        }
        catch (ServerUnreachableException e)
        {
            context.Output.Say($"not enrolled yet, the next poll does it: {e.Message}");
        }
    }

    private async Task<TrustRoot> FindTrustRootAsync(CancellationToken cancellation)
    {
        var state = new TrustState(Root, context.Clock);
        var known = state.TryRoot();
        if (trustFile is not null)
        {
            var given = TrustRoot.Load(await File.ReadAllBytesAsync(trustFile, cancellation).ConfigureAwait(false));
            return known is null || state.Knows(given) ? given : throw Other("trust root", known.Fingerprint);
        }
        if (known is not null)
            return known;
        if (!values.Server.IsLoopback && !trustOnFirstUse)
        {
            throw new StoppedException(ExitCode.Usage,
                $"no reason to trust {values.Server}: give its root with --trust root.json, or pass --trust-on-first-use and compare the fingerprint");
        }
        return await FetchTrustRootAsync(cancellation).ConfigureAwait(false);
    }

    private async Task<TrustRoot> FetchTrustRootAsync(CancellationToken cancellation)
    {
        using var connection = new ServerConnection(values.Server, AgentConfig.Load(Root), context.Clock);
        using var request = new HttpRequestMessage(HttpMethod.Get, connection.Resolve(Routes.TrustRoot));
        using var response = await connection.SendAsync(request, cancellation).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
            throw new ServerUnreachableException($"{request.RequestUri}: answered {(int)response.StatusCode}, so this is no update server");
        return TrustRoot.Load(await connection.ReadAllAsync(response, Envelope.MaxBytes, cancellation).ConfigureAwait(false));
    }

    private void RequireSameValues(FollowState existing)
    {
        var config = AgentConfig.Load(Root);
        if (config.Server?.AbsoluteUri.TrimEnd('/') != values.Address)
            throw Other("server", config.Server?.ToString() ?? "none");
        if (existing.Branch != values.Branch)
            throw Other("branch", existing.Branch.ToString());
        if (config.Hardware != values.Hardware)
            throw Other("hardware", config.Hardware);
        if (config.Unprivileged != values.Unprivileged)
            throw Other("--unprivileged", config.Unprivileged ? "given" : "not given");
    }

    private StoppedException Other(string what, string present) =>
        new(ExitCode.Conflict, $"{Root.Top} is set up already, with another {what} ({present}); nothing was changed. 'ctree switch' changes the branch, {Root.DeviceConfig} the rest");

    private void MakeLayout()
    {
        foreach (var path in new[] { Root.Top, Root.Layout.Deployments, Root.Data, Root.Layout.State, Root.Trust, Device.BootDirectory(Root, AgentConfig.Load(Root)) })
            Directory.CreateDirectory(path);
        LocalStore.Create(Root.Store, isPrivileged: !values.Unprivileged).Dispose();
        using var top = Posix.OpenDirectory(Root.Top);
        Posix.SyncFilesystem(top, Root.Top);
        // The directories above may be on another filesystem, where this one is mounted or where --root has just been made.
        using var above = Posix.OpenDirectory(Path.GetDirectoryName(Root.Top) ?? "/");
        Posix.Fsync(above, Root.Top);
    }

    private void MakeKey()
    {
        using var key = SigningKey.Generate();
        WriteOnce(Root.Layout.State, "device.pem", key.ToPem(), 0x180);
    }

    private string ConfigText() => $"""
        # Values of this device; they survive every deployment. /etc/ctree/agent.conf takes precedence.
        [server]
        url = {values.Address}{(values.AllowHttp || (trustFile is not null && AgentConfig.IsReadable(values.Server)) ? "\nallow-http = true" : "")}

        [device]
        hardware = {values.Hardware}

        [store]
        unprivileged = {(values.Unprivileged ? "true" : "false")}

        """;

    private static void WriteOnce(string directory, string name, string text, int permissions)
    {
        using var handle = Posix.OpenDirectory(directory);
        DurableFiles.TryCreate(handle, Encoding.ASCII.GetBytes(name), Encoding.UTF8.GetBytes(text), permissions);
    }
}
