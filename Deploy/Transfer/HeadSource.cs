using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Asks the server what is new: one signed request, or on a server of plain files the branch's head file. Enrols on the way where
/// that is needed, and hands over the events that have piled up.
/// </summary>
internal sealed class HeadSource(Device device, Sources sources)
{
    private readonly RepositoryClient _repository = new(sources);

    /// <summary>The last head came from a server that knows this device, and says itself where it has to stop on the way.</summary>
    public bool IsDecidedThere { get; private set; }

    /// <summary>The newest head of a branch, verified and remembered.</summary>
    /// <exception cref="StoppedException">Not let in, or no such branch.</exception>
    public async Task<VerifiedHead> PollAsync(BranchName branch, CancellationToken cancellation)
    {
        using var key = device.ReadKey();
        var api = new DeviceApi(sources.Server.Connection, key.Signing, device.Clock);
        IsDecidedThere = false;
        try
        {
            var head = await AskAsync(api, key, branch, cancellation).ConfigureAwait(false);
            return device.Trust.Accept(head, branch, key.Id);
        }
        catch (ServerUnreachableException e)
        {
            if (!sources.IsOffline)
                Failed(e);
            if (await TryDirectoriesAsync(key, branch, cancellation).ConfigureAwait(false) is { } head)
                return head;
            if (sources.IsOffline)
                throw new StoppedException(ExitCode.NotFound, $"the bundle has nothing of branch {branch}, which this device follows");
            throw;
        }
        catch (ProblemException e)
        {
            throw Stopped(e, key);
        }
    }

    /// <summary>Introduces the device; the state the server gives it, or null where it keeps no devices.</summary>
    public async Task<DeviceState?> EnrolAsync(CancellationToken cancellation)
    {
        using var key = device.ReadKey();
        try
        {
            return await EnrolAsync(new DeviceApi(sources.Server.Connection, key.Signing, device.Clock), key, device.State.Follow.Branch, cancellation).ConfigureAwait(false);
        }
        catch (ProblemException e)
        {
            throw Stopped(e, key);
        }
    }

    /// <summary>Hands over what the server has not got; quietly nothing on a server of plain files.</summary>
    public async Task ReportAsync(CancellationToken cancellation)
    {
        using var key = device.ReadKey();
        await ReportAsync(new DeviceApi(sources.Server.Connection, key.Signing, device.Clock), cancellation).ConfigureAwait(false);
    }

    /// <summary>Hands over what is known about trials that failed; a server that does not take it is not asked again before the next poll.</summary>
    public async Task SendBlackBoxesAsync(CancellationToken cancellation)
    {
        var boxes = new BlackBox(device);
        while (boxes.NextUnsent() is { } box)
        {
            using var key = device.ReadKey();
            var api = new DeviceApi(sources.Server.Connection, key.Signing, device.Clock);
            if (await api.BlackBoxAsync(box, cancellation).ConfigureAwait(false) is null)
                return;
            boxes.MarkSent(box.Deployment);
        }
    }

    private async Task<OfferedHead> AskAsync(DeviceApi api, DeviceKey key, BranchName branch, CancellationToken cancellation)
    {
        var answer = await PollEnrolledAsync(api, key, branch, cancellation).ConfigureAwait(false);
        Answered(answer);
        sources.Gate.Apply(answer?.Transfer);
        sources.Apply(answer?.Private == true);
        sources.Offered = answer?.Delta;
        await new RootChain(device).FollowAsync(answer?.Root, route => RepositoryClient.TryGetFileAsync(sources.Server, route, Envelope.MaxBytes, cancellation, isUnlikely: answer is null)).ConfigureAwait(false);
        if (answer is null)
            return await StaticHeadAsync(branch, cancellation).ConfigureAwait(false);
        Remember(answer.State);
        if (answer.State != DeviceState.Accepted)
            throw new StoppedException(ExitCode.NotAuthorised, Waiting(answer.State, key));
        if (answer.Configuration is { } configuration)
            device.Trust.TakeConfiguration(configuration.Bytes.ToArray(), key.Id);
        await TryReportAsync(api, cancellation).ConfigureAwait(false);
        if (answer.Prove == true)
            await TryProveAsync(api, branch, cancellation).ConfigureAwait(false);
        var head = answer.Head?.Bytes.ToArray() ?? device.Trust.TryHead(branch)
            ?? throw new StoppedException(ExitCode.NotFound, $"branch {branch} has no commit yet");
        IsDecidedThere = true;
        return new OfferedHead(head, answer.Timestamp?.Bytes.ToArray()) { Assignment = answer.Assignment?.Bytes.ToArray() };
    }

    private async Task<PollAnswer?> PollEnrolledAsync(DeviceApi api, DeviceKey key, BranchName branch, CancellationToken cancellation)
    {
        DriftNews.LookWhenDue(device);
        var request = new DeviceSelf(device).Describe(branch);
        // With a token at hand a device that waits is let in at once.
        if (device.State.Enrolment is { Token: not null, Answer: not DeviceState.Accepted })
            await EnrolAsync(api, key, branch, cancellation).ConfigureAwait(false);
        try
        {
            return Told(request, await api.PollAsync(request, cancellation).ConfigureAwait(false));
        }
        catch (ProblemException e) when (e.Problem.Code == ProblemCode.DeviceUnknown)
        {
            await EnrolAsync(api, key, branch, cancellation).ConfigureAwait(false);
            return Told(request, await api.PollAsync(request, cancellation).ConfigureAwait(false));
        }
    }

    // A server that was given other data, or another server, asks for what this one was told long ago.
    private PollAnswer? Told(PollRequest request, PollAnswer? answer)
    {
        if (answer is not null && request.Inventory is { } told)
            device.State.Inventory = new InventoryState(told);
        else if (answer?.Tell == true && device.State.Inventory.Told is not null)
            device.State.Inventory = new InventoryState();
        if (answer is not null && request.Drift is { } drift)
            DriftNews.Answered(device, drift, answer.Drift == true);
        else if (answer?.Tell == true)
            DriftNews.Forgotten(device);
        return answer;
    }

    private async Task<DeviceState?> EnrolAsync(DeviceApi api, DeviceKey key, BranchName branch, CancellationToken cancellation)
    {
        var answer = await api.EnrolAsync(new DeviceSelf(device).Introduce(key, branch), cancellation).ConfigureAwait(false);
        if (answer is not null)
            Remember(answer.State);
        return answer?.State;
    }

    // A server that cannot take the reports now must not keep this device from its next version.
    private async Task TryReportAsync(DeviceApi api, CancellationToken cancellation)
    {
        try
        {
            await ReportAsync(api, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ProblemException or ServerUnreachableException)
        {
        }
    }

    // A server that was restored from a backup publishes past what this device has seen; else its next heads would be refused here.
    private async Task TryProveAsync(DeviceApi api, BranchName branch, CancellationToken cancellation)
    {
        if (device.Trust.TryHead(branch) is not { } head)
            return;
        try
        {
            await api.ProveAsync(new HeadProof(branch, new RawJson(head)), cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ProblemException or ServerUnreachableException)
        {
        }
    }

    private async Task ReportAsync(DeviceApi api, CancellationToken cancellation)
    {
        while (device.State.Events is { Events.Count: > 0 } queue)
        {
            var answer = await api.ReportAsync(new ReportRequest([.. queue.Events.Take(ReportRequest.MaxEvents)]), cancellation).ConfigureAwait(false);
            // A server that takes none of them would be asked for ever.
            if (answer is null || answer.Received < queue.Events[0].Sequence)
                return;
            device.State.Events = queue.After(answer.Received);
        }
    }

    private async Task<OfferedHead> StaticHeadAsync(BranchName branch, CancellationToken cancellation)
    {
        var timestamp = await TryTimestampAsync(branch, cancellation).ConfigureAwait(false);
        if (await _repository.TryGetFileAsync(Routes.Head(branch), Envelope.MaxBytes, cancellation).ConfigureAwait(false) is { } head)
        {
            // The branch may have moved between the two files; then its timestamp is there by now.
            if (timestamp is not null && timestamp.AsSpan().IndexOf(Encoding.ASCII.GetBytes(ObjectId.Of(head).ToString())) < 0)
                timestamp = await TryTimestampAsync(branch, cancellation).ConfigureAwait(false);
            return new OfferedHead(head, timestamp);
        }
        await sources.RequireServerAsync(cancellation).ConfigureAwait(false);
        throw new StoppedException(ExitCode.NotFound, $"{sources.Server.Connection.Server}: no branch {branch}; 'ctree switch BRANCH' follows another one");
    }

    private async Task<byte[]?> TryTimestampAsync(BranchName branch, CancellationToken cancellation) => device.Trust.Root().AsksForTimestamps
        ? await RepositoryClient.TryGetFileAsync(sources.Server, Routes.Timestamp(branch), Envelope.MaxBytes, cancellation, isUnlikely: true).ConfigureAwait(false)
        : null;

    // Without a network, a stick that somebody has plugged in may bring a newer head. A mirror elsewhere may not: while a server is
    // down, a rollout that it holds back would not be held back any more.
    private async Task<VerifiedHead?> TryDirectoriesAsync(DeviceKey key, BranchName branch, CancellationToken cancellation)
    {
        foreach (var source in sources.Mirrors.Where(m => m.IsDirectory))
        {
            try
            {
                await new RootChain(device).FollowAsync(null, route => RepositoryClient.TryGetFileAsync(source, route, Envelope.MaxBytes, cancellation, isUnlikely: true)).ConfigureAwait(false);
                if (await RepositoryClient.TryGetFileAsync(source, Routes.Head(branch), Envelope.MaxBytes, cancellation).ConfigureAwait(false) is { } bytes)
                    return device.Trust.Accept(new OfferedHead(bytes, null) { IsAtHand = true }, branch, key.Id);
            }
            catch (ServerUnreachableException)
            {
            }
            // Of a bundle that somebody brought they want to know what is wrong with it; a mirror is left for the next.
            catch (VerificationException) when (!sources.IsOffline)
            {
            }
        }
        return null;
    }

    // A network that is missing or wants a log-in says nothing about the server.
    private void Failed(ServerUnreachableException e)
    {
        var last = device.State.Last;
        var failures = (last.Poll?.Failures ?? 0) + (e.IsNoNetwork ? 0 : 1);
        device.State.Last = last with { Poll = new LastPoll(device.Clock.GetUtcNow(), failures, last.Poll?.Interval ?? 0) };
    }

    private void Answered(PollAnswer? answer)
    {
        var poll = new LastPoll(device.Clock.GetUtcNow(), 0, answer?.Interval ?? 0);
        device.State.Last = device.State.Last with { Poll = poll };
        Suspicion.Settle(device);
    }

    private void Remember(DeviceState state)
    {
        var known = device.State.Enrolment;
        // A token is a secret: it is kept only as long as it may still be needed.
        var next = known with { Answer = state, Token = state == DeviceState.Accepted ? null : known.Token };
        if (next != known)
            device.State.Enrolment = next;
    }

    private StoppedException Stopped(ProblemException e, DeviceKey key)
    {
        DeviceState? state = e.Problem.Code switch
        {
            ProblemCode.DevicePending => DeviceState.Pending,
            ProblemCode.DeviceRejected => DeviceState.Rejected,
            _ => null,
        };
        if (state is not { } known)
            return new StoppedException(e.Problem.ExitCode, e.Message);
        Remember(known);
        return new StoppedException(ExitCode.NotAuthorised, Waiting(known, key));
    }

    private string Waiting(DeviceState state, DeviceKey key) => state == DeviceState.Rejected
        ? $"{sources.Server.Connection.Server} has rejected this device ({key.Id}); ask its operator"
        : $"{sources.Server.Connection.Server} has not accepted this device yet; there: 'ctree-server device accept {key.Id}'";
}
