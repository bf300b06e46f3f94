using System.Data.Common;
using ContentTree.Server.Auditing;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Fleet.Expected;
using ContentTree.Server.Fleet.Transfers;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>What devices ask: enrol, poll, report. Every request is signed by the device's key.</summary>
internal sealed class DeviceEndpoints(
    DataDirectory data, DeviceAccess access, Devices devices, Events events, EmptyBranches emptyBranches, DeltaStore deltas, Timestamps timestamps, DevicePolls polls,
    SeenHeads seenHeads, ReadAccess reading, Audit audit, Outbox outbox, AttemptLimit attempts, TimeProvider time, ServerOptions options, ILogger log)
{
    private readonly TransferBook _transfers = new(data.OpenDatabase(), time);
    private readonly ExpectedDevices _expected = new(data.OpenDatabase(), time);
    private readonly RequestBudget<string> _strangers = new(time, options.MaxStrangers);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Routes.Enrol, EnrolAsync);
        routes.MapPost(Routes.Poll, PollAsync);
        routes.MapPost(Routes.Report, ReportAsync);
        routes.MapPost(Routes.Heads, ProveAsync);
    }

    private async Task EnrolAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.Enrol);
        var request = Messages.Parse(body, ProtocolJson.Default.EnrolRequest);
        var key = PublicKey.Parse(request.PublicKey);
        access.CheckSignature(context, body, key);
        DeviceMessages.RequireText("name", request.Name);
        DeviceMessages.RequireText("hardware", request.Hardware);
        DeviceMessages.RequireText("architecture", request.Architecture);
        DeviceMessages.RequireText("serial", request.Serial ?? "");
        var device = request.Device ?? key.Id;
        var before = devices.FindState(device);
        // A list of keys is the dearest thing that anybody may have checked here, so whatever comes with one is counted before.
        var isNewKey = (request.Keys?.Count > 1 || before is not (null or DeviceState.Accepted)) && !access.IsKnown(key.Id);
        var isStranger = before is null && request.Token is null && !_expected.IsExpected(request.Serial, key);
        if ((isStranger || isNewKey) && !_strangers.TryTake(ClientAddress.Of(context)))
            throw new ProblemException(ProblemCode.TooMany, "too many new devices or keys from this address", retryAfter: RequestBudget<string>.Window);
        var guess = before == DeviceState.Accepted || request.Token is null ? null : AttemptLimit.NameOf(request.Token);
        if (guess is not null && attempts.IsOver(ClientAddress.Of(context), guess))
            throw new ProblemException(ProblemCode.TooMany, AttemptLimit.Said, retryAfter: AttemptLimit.Window);
        var keys = request.Keys is { } links ? KeyChain.Verify(device, links) : [key];
        if (keys[^1].Id != key.Id)
            throw new ProblemException(ProblemCode.BadRequest, "the key is not the last of its device's keys");
        AuditHead? noted = null;
        var outcome = devices.Enrol(device, keys, request, (connection, before, known) => noted = Note(connection, Actor.Device(device, context), device, request, before, known));
        audit.Raise(noted);
        if (outcome is EnrolOutcome.BadToken && guess is not null)
            attempts.Fail(ClientAddress.Of(context), guess);
        var state = outcome switch
        {
            EnrolOutcome.Known known => known.State,
            EnrolOutcome.OtherKey when before is null && keys.Count == KeyChain.MaxKeys && keys[0].Id != device => throw new ProblemException(ProblemCode.BadSignature,
                $"device {device} is not known here and has had too many keys to prove that it is the one; remove state/identity.json there, and it enrols as a new device, {key.Id}"),
            EnrolOutcome.OtherKey => throw new ProblemException(ProblemCode.BadSignature, $"device {device} has another key, which has not signed for this one"),
            EnrolOutcome.BadToken => throw new ProblemException(ProblemCode.BadToken, "the enrolment token is unknown, used up or no longer valid"),
            _ => throw new ProblemException(ProblemCode.TooMany, "too many devices wait to be accepted", retryAfter: TimeSpan.FromHours(1)),
        };
        polls.Enrolled(device);
        Log.Enrolled(log, device, request.Name, state);
        await context.AnswerAsync(new EnrolAnswer(device, state, data.Trust.Load().Fingerprint), ProtocolJson.Default.EnrolAnswer);
    }

    private AuditHead? Note(DbConnection connection, Actor actor, KeyId device, EnrolRequest request, DeviceState? before, EnrolOutcome.Known known)
    {
        var noted = known.State == before ? null : audit.Note(connection, actor, "device.enrol", device, $"{before}", $"{known.State} on {request.Branch}, {request.Name}{known.Note}");
        return known is { IsNewKey: true, State: DeviceState.Accepted } ? audit.Note(connection, actor, "device.key", device, "", $"key {PublicKey.Parse(request.PublicKey).Id}") : noted;
    }

    private async Task PollAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.Small);
        var (device, state) = access.Authenticate(context, body);
        var poll = Messages.Parse(body, ProtocolJson.Default.PollRequest);
        DeviceMessages.Require(poll);
        var told = polls.Take(device, state, poll);
        var newest = state == DeviceState.Accepted ? ReadNewest(device, poll.Branch) : null;
        // The device's own copy is newest when the ids are the same: it is not sent again.
        var head = newest is null || ObjectId.Of(newest.Head) == poll.Head ? null : new RawJson(newest.Head);
        var timestamp = newest?.Timestamp is { } bytes ? new RawJson(bytes) : null;
        var root = data.Trust.Load();
        var answer = new PollAnswer(state, (long)options.PollInterval.TotalSeconds, root.Version, head, state == DeviceState.Accepted ? _transfers.Of(device, poll.Branch) : null, FindDelta(root, poll, head), Timestamp: timestamp, Assignment: told.Assignment,
            Private: newest is not null && reading.IsPrivate(poll.Branch) ? true : null, Prove: newest is not null && seenHeads.IsWanted(device, poll, newest) ? true : null,
            Tell: devices.Hear(device, Actor.AddressOf(context)) ? true : null, Configuration: told.Configuration, Drift: poll.Drift is null ? null : true);
        await context.AnswerAsync(answer, ProtocolJson.Default.PollAnswer);
    }

    private async Task ReportAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.Report);
        var device = access.RequireAccepted(context, body);
        var report = Messages.Parse(body, ProtocolJson.Default.ReportRequest);
        if (report.Events.Count > ReportRequest.MaxEvents)
            throw new ProblemException(ProblemCode.TooLarge, $"more than {ReportRequest.MaxEvents} events in one report");
        var reported = DeviceMessages.Checked(report.Events);
        var received = events.Store(device, reported, (connection, news) => outbox.Tell(connection, device, news));
        foreach (var item in reported.Where(e => e.Code != 0))
            Log.Trouble(log, device, item.Kind, item.Code, item.Message);
        await context.AnswerAsync(new ReportAnswer(received), ProtocolJson.Default.ReportAnswer);
    }

    private async Task ProveAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.Head);
        var device = access.RequireAccepted(context, body);
        var proof = Messages.Parse(body, ProtocolJson.Default.HeadProof);
        if (!reading.MayFollow(device, proof.Branch))
            throw new ProblemException(ProblemCode.NotFound, $"no branch {proof.Branch}");
        var outcome = Take(device, proof);
        if (outcome is SeenHeadOutcome.Learnt { Head: var head })
            Log.HeadLearnt(log, device, head.Branch, head.Commit, head.Sequence);
        else if (outcome is SeenHeadOutcome.Fork { Head: var other } fork)
            Log.HeadForked(log, device, other.Commit, other.Sequence, other.Branch, fork.Other);
        await context.AnswerAsync(new HeadProofAnswer(outcome.Head.Sequence), ProtocolJson.Default.HeadProofAnswer);
    }

    private SeenHeadOutcome Take(KeyId device, HeadProof proof)
    {
        try
        {
            return seenHeads.Take(device, proof);
        }
        catch (VerificationException e)
        {
            Log.HeadNotOurs(log, device, proof.Branch, e.Message);
            throw;
        }
    }

    private NewestHead? ReadNewest(KeyId device, BranchName branch) => (reading.MayFollow(device, branch) ? timestamps.Read(branch) : null)
        ?? (reading.MayFollow(device, branch) && emptyBranches.Contains(branch) ? null : throw new ProblemException(ProblemCode.NotFound, $"no branch {branch}"));

    private DeltaOffer? FindDelta(TrustRoot root, PollRequest poll, RawJson? head)
    {
        if (head is null || (poll.Wanted ?? poll.Running) is not { } newest)
            return null;
        ObjectId to;
        try
        {
            to = root.VerifyHead(head.Bytes.Span, poll.Branch).Commit;
        }
        catch (VerificationException)
        {
            // To refuse a head is the device's part: it remembers what it saw, and tells.
            return null;
        }
        return deltas.Find(newest, to) ?? (poll.Running is { } running && running != newest ? deltas.Find(running, to) : null);
    }
}
