using System.Globalization;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Privacy;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>What devices ask: enrol, poll, report. Every request is signed by the device's key.</summary>
internal sealed class DeviceEndpoints(
    DataDirectory data, DeviceAccess access, Devices devices, Events events, EmptyBranches emptyBranches, DeltaStore deltas, Timestamps timestamps, Assignments assignments,
    SeenHeads seenHeads, ReadAccess reading, ServerOptions options, ILogger log)
{
    private const int MaxText = 200;
    private const int BootIdDigits = 8;
    private const int MaxMessage = 4096;

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
        RequireText("name", request.Name, MaxText);
        RequireText("hardware", request.Hardware, MaxText);
        RequireText("architecture", request.Architecture, MaxText);
        RequireText("serial", request.Serial ?? "", MaxText);
        var state = devices.Enrol(key, request) switch
        {
            EnrolOutcome.Known known => known.State,
            EnrolOutcome.BadToken => throw new ProblemException(ProblemCode.BadToken, "the enrolment token is unknown, used up or no longer valid"),
            _ => throw new ProblemException(ProblemCode.TooMany, "too many devices wait to be accepted", retryAfter: TimeSpan.FromHours(1)),
        };
        Log.Enrolled(log, key.Id, request.Name, state);
        await context.AnswerAsync(new EnrolAnswer(key.Id, state, data.Trust.Load().Fingerprint), ProtocolJson.Default.EnrolAnswer);
    }

    private async Task PollAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.Small);
        var (device, state) = access.Authenticate(context, body);
        var poll = Messages.Parse(body, ProtocolJson.Default.PollRequest);
        RequireText("boot", poll.Boot, MaxText);
        if (poll.BootId is { } bootId && (bootId.Length != BootIdDigits || !bootId.All(char.IsAsciiHexDigitLower)))
            throw new ProblemException(ProblemCode.BadRequest, $"bootId is {BootIdDigits} lower-case hex digits");
        if (poll.Kept is { } kept && (kept.Count > PollRequest.MaxKept || kept.Any(k => k?.Length != PollRequest.KeptDigits || !k.All(char.IsAsciiHexDigitLower))))
            throw new ProblemException(ProblemCode.BadRequest, $"kept are at most {PollRequest.MaxKept} starts of commits, {PollRequest.KeptDigits} lower-case hex digits each");
        devices.Record(device, poll);
        var newest = state == DeviceState.Accepted ? ReadNewest(device, poll.Branch) : null;
        // The device's own copy is newest when the ids are the same: it is not sent again.
        var head = newest is null || ObjectId.Of(newest.Head) == poll.Head ? null : new RawJson(newest.Head);
        var timestamp = newest?.Timestamp is { } bytes ? new RawJson(bytes) : null;
        var told = state == DeviceState.Accepted ? assignments.Newest(device, poll.Branch, poll.Assignment) : null;
        var root = data.Trust.Load();
        var answer = new PollAnswer(state, (long)options.PollInterval.TotalSeconds, root.Version, head, Delta: FindDelta(root, poll, head), Timestamp: timestamp, Assignment: told,
            Private: newest is not null && reading.IsPrivate(poll.Branch) ? true : null, Prove: newest is not null && seenHeads.IsWanted(device, poll, newest) ? true : null);
        await context.AnswerAsync(answer, ProtocolJson.Default.PollAnswer);
    }

    private async Task ReportAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.Report);
        var device = access.RequireAccepted(context, body);
        var report = Messages.Parse(body, ProtocolJson.Default.ReportRequest);
        RequireOrder(report.Events);
        var reported = report.Events.Select(e => e with { Message = Printable(e.Message) }).ToArray();
        var received = events.Store(device, reported);
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

    private static void RequireOrder(IReadOnlyList<ReportEvent> reported)
    {
        if (reported.Count > ReportRequest.MaxEvents)
            throw new ProblemException(ProblemCode.TooLarge, $"more than {ReportRequest.MaxEvents} events in one report");
        var last = 0L;
        foreach (var item in reported)
        {
            if (item.Sequence <= last)
                throw new ProblemException(ProblemCode.BadRequest, "events do not rise by sequence from 1");
            last = item.Sequence;
            RequireText("kind", item.Kind, MaxText);
            RequireText("deployment", item.Deployment ?? "", MaxText);
            if (item.Message?.Length > MaxMessage)
                throw new ProblemException(ProblemCode.BadRequest, $"message is longer than {MaxMessage} characters");
        }
    }

    // Shown on terminals and in logs as well. Not refused: one odd message would hold up all events after it.
    private static string? Printable(string? message) =>
        message is null ? null : string.Concat(message.Select(c => char.IsControl(c) || char.GetUnicodeCategory(c) == UnicodeCategory.Format ? ' ' : c));

    // These are shown on terminals: a device must not be able to steer one.
    private static void RequireText(string field, string text, int maxLength)
    {
        if (text.Length > maxLength || text.Any(char.IsControl))
            throw new ProblemException(ProblemCode.BadRequest, $"{field} is longer than {maxLength} characters or has control characters");
    }
}
