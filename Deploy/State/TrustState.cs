using System.Text;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>The device's trusted metadata, <c>state/trust/</c>: the root, the newest head of each branch, the highest ever seen.</summary>
internal sealed class TrustState(DeviceRoot root, TimeProvider clock)
{
    private static readonly DateTimeOffset Never = DateTimeOffset.UnixEpoch;

    private static ReadOnlySpan<byte> AssignmentFile => "assignment.json"u8;

    private const int OwnerOnly = 0x180;

    private static ReadOnlySpan<byte> ConfigurationFile => "configuration.json"u8;

    private readonly StateFile<SeenState> _seen = new(root.Trust, "seen.json", StateJson.Default.SeenState);

    /// <summary>Why the assignment that came last was not obeyed; null when it was, or none came.</summary>
    public VerificationException? PassedOver { get; private set; }

    /// <summary>The same of the configuration that came last.</summary>
    public VerificationException? ConfigurationPassedOver { get; private set; }

    /// <summary>The root, or null before it is known.</summary>
    public TrustRoot? TryRoot() => TryRead("root.json")?.WithDevelopers(new DeveloperKeys(root).Accepts);

    /// <summary>Whether this is the root, or the one that the device was set up with.</summary>
    public bool Knows(TrustRoot given) => given.Fingerprint == TryRoot()?.Fingerprint || given.Fingerprint == TryRead("first.json")?.Fingerprint;

    public TrustRoot Root() => TryRoot() ?? throw new Store.Repositories.StoreNotFoundException($"{root.Trust}: no trust root; 'ctree init' gets it");

    public void WriteRoot(TrustRoot trusted)
    {
        using var trust = Posix.OpenDirectory(root.Trust);
        DurableFiles.Replace(trust, "root.json"u8, trusted.Envelope.Bytes.Span);
    }

    /// <summary>Goes on to the next root, durably, before anything is judged by it.</summary>
    /// <exception cref="VerificationException">It does not follow on the trusted one, which stays.</exception>
    public TrustRoot Follow(ReadOnlySpan<byte> bytes)
    {
        var present = Root();
        var next = present.Next(bytes);
        using (var trust = Posix.OpenDirectory(root.Trust))
            DurableFiles.TryCreate(trust, "first.json"u8, present.Envelope.Bytes.Span);
        WriteRoot(next);
        return next;
    }

    public SeenBranch? Seen(BranchName branch) => _seen.TryRead()?.Find(branch);

    /// <summary>The newest head that was accepted on the branch, or null.</summary>
    public byte[]? TryHead(BranchName branch)
    {
        using var trust = Posix.OpenDirectory(root.Trust);
        return DurableFiles.TryRead(trust, HeadFile(branch), Envelope.MaxBytes);
    }

    /// <summary>What fleet keys have told this device to do on the branch, until it is over; null when nothing.</summary>
    public VerifiedAssignment? Assignment(BranchName branch)
    {
        var trusted = Root();
        var time = new TrustedTime(clock, new SeenMarks(_seen.TryRead() ?? new SeenState(Never, []), trusted).Floor);
        return TryAssignment(trusted) is { } assignment && assignment.Branch == branch && !time.IsPast(assignment.Expires) ? assignment : null;
    }

    /// <summary>That of the newest assignment it has, also when that is over; null when there is none.</summary>
    public long? AssignmentCounter() => TryAssignment(Root())?.Counter;

    /// <summary>
    /// Verifies a head, and that it is the newest, and remembers it durably; nothing is written unless all of it passes. An assignment
    /// that is not to be obeyed is passed over and changes nothing.
    /// </summary>
    /// <exception cref="VerificationException">Not signed, older than one seen, in conflict with it, expired, or not proved to be the newest.</exception>
    public VerifiedHead Accept(OfferedHead offered, BranchName branch, KeyId device)
    {
        PassedOver = null;
        var trusted = Root();
        var marks = new SeenMarks(_seen.TryRead() ?? new SeenState(Never, []), trusted);
        var time = new TrustedTime(clock, marks.Floor);
        if (time.IsPast(trusted.Expires))
            throw new VerificationException($"root {trusted.Version}", VerificationFailure.Expired, $"it ended at {trusted.Expires:u}, and the server has no newer one");
        var head = trusted.VerifyHead(offered.Head, branch);
        HeadPolicy.Accept(head, marks.Head(branch), time);
        var timestamp = trusted.AsksForTimestamps && !offered.IsAtHand ? RequireFresh(trusted, offered.Timestamp, head, marks, time) : null;
        var assignment = offered.Assignment is { } told ? TryTake(trusted, told, device, branch, marks, time) : null;
        using var trust = Posix.OpenDirectory(root.Trust);
        // The assignment before its mark: else after a crash in between the same one would be taken for another of that number.
        if (assignment is not null)
            DurableFiles.Replace(trust, AssignmentFile, assignment.Envelope.Bytes.Span);
        // The mark first: a crash in between costs a repeated download of the head, never a step back.
        _seen.Write(marks.With(head, timestamp, assignment));
        DurableFiles.Replace(trust, HeadFile(branch), offered.Head);
        return head;
    }

    /// <summary>The newest configuration that fleet keys have signed for this device; null when there is none, or its key counts no more.</summary>
    public VerifiedConfiguration? Configuration() => TryConfiguration(Root());

    /// <summary>Takes a configuration, durably; one that is not to be used is passed over and changes nothing, as whoever can send it can send none as well.</summary>
    public void TakeConfiguration(byte[] bytes, KeyId device)
    {
        ConfigurationPassedOver = null;
        var trusted = Root();
        var marks = new SeenMarks(_seen.TryRead() ?? new SeenState(Never, []), trusted);
        var time = new TrustedTime(clock, marks.Floor);
        try
        {
            if (time.IsPast(trusted.Expires))
                throw new VerificationException($"root {trusted.Version}", VerificationFailure.Expired, $"it ended at {trusted.Expires:u}");
            var configuration = trusted.VerifyConfiguration(bytes);
            ConfigurationPolicy.Require(configuration, device, marks.Configuration, TryConfiguration(trusted), time);
            using var trust = Posix.OpenDirectory(root.Trust);
            // Before its mark: else after a crash in between the same one would be taken for another of that number.
            DurableFiles.Replace(trust, ConfigurationFile, configuration.Envelope.Bytes.Span, OwnerOnly);
            _seen.Write(marks.With(configuration));
        }
        catch (VerificationException e)
        {
            ConfigurationPassedOver = e;
        }
    }

    private static VerifiedTimestamp RequireFresh(TrustRoot trusted, byte[]? bytes, VerifiedHead head, SeenMarks marks, TrustedTime time)
    {
        if (bytes is null)
        {
            throw new VerificationException($"timestamp of {head.Branch}", VerificationFailure.Missing,
                $"the server sent none, and without one root {trusted.Version} lets no head be taken; its operator may run 'ctree-server key list'");
        }
        var timestamp = trusted.VerifyTimestamp(bytes, head.Branch);
        TimestampPolicy.Require(timestamp, head, marks.Timestamp(head.Branch), time);
        return timestamp;
    }

    // Whoever can send a bad one can send none as well, so it is passed over: it must not keep the device from the head.
    private VerifiedAssignment? TryTake(TrustRoot trusted, byte[] bytes, KeyId device, BranchName branch, SeenMarks marks, TrustedTime time)
    {
        try
        {
            var assignment = trusted.VerifyAssignment(bytes);
            AssignmentPolicy.Require(assignment, device, branch, marks.Assignment, TryAssignment(trusted), time);
            return assignment;
        }
        catch (VerificationException e)
        {
            PassedOver = e;
            return null;
        }
    }

    // By a key that has been dismissed since, it is none any more.
    private VerifiedAssignment? TryAssignment(TrustRoot trusted)
    {
        using var trust = Posix.OpenDirectory(root.Trust);
        try
        {
            return DurableFiles.TryRead(trust, AssignmentFile, Envelope.MaxBytes) is { } bytes ? trusted.VerifyAssignment(bytes) : null;
        }
        catch (VerificationException)
        {
            return null;
        }
    }

    private VerifiedConfiguration? TryConfiguration(TrustRoot trusted)
    {
        using var trust = Posix.OpenDirectory(root.Trust);
        try
        {
            return DurableFiles.TryRead(trust, ConfigurationFile, Envelope.MaxBytes) is { } bytes ? trusted.VerifyConfiguration(bytes) : null;
        }
        catch (VerificationException)
        {
            return null;
        }
    }

    private TrustRoot? TryRead(string name)
    {
        if (!Directory.Exists(root.Trust))
            return null;
        using var trust = Posix.OpenDirectory(root.Trust);
        return DurableFiles.TryRead(trust, Encoding.ASCII.GetBytes(name), Envelope.MaxBytes) is { } bytes ? TrustRoot.Load(bytes) : null;
    }

    private static byte[] HeadFile(BranchName branch) =>
        Encoding.ASCII.GetBytes($"head-{branch.ToString().Replace('/', '+')}.json");
}
