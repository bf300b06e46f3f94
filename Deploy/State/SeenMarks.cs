using ContentTree.Store.Objects;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>
/// What still counts of that which was seen. Marks and moments count as long as the key that set them has its role: else a thief's
/// highest sequence, or a statement dated in the year 9998, would stop a device for ever (TUF, recovery from fast-forward attacks).
/// </summary>
internal sealed class SeenMarks(SeenState seen, TrustRoot root)
{
    private readonly IReadOnlyList<KeyId> _timestamp = KeysOf(root, Role.Timestamp);
    private readonly IReadOnlyList<KeyId> _fleet = KeysOf(root, Role.Fleet);

    /// <summary>The newest moment that signed data has proved.</summary>
    public DateTimeOffset Floor => seen.Branches.SelectMany(Counting).Select(k => k.Created)
        .Concat(Timestamps.Select(t => t.Created)).Append(seen.Floor).Max();

    /// <summary>The highest counter of an assignment, 0 before the first.</summary>
    public long Assignment => Assignments.Select(a => a.Counter).DefaultIfEmpty().Max();

    /// <summary>The highest counter of a configuration, 0 before the first.</summary>
    public long Configuration => Configurations.Select(c => c.Counter).DefaultIfEmpty().Max();

    private IEnumerable<SeenCounter> Assignments => (seen.Assignments ?? []).Where(a => _fleet.Contains(a.Key));

    private IEnumerable<SeenCounter> Configurations => (seen.Configurations ?? []).Where(c => _fleet.Contains(c.Key));

    private IEnumerable<SeenTimestamp> Timestamps => (seen.Timestamps ?? []).Where(t => _timestamp.Contains(t.Key));

    /// <summary>The highest head of a branch, or null.</summary>
    public SeenHead? Head(BranchName branch)
    {
        if (seen.Find(branch) is not { } known)
            return null;
        if (known.Keys is null)
            return new SeenHead(known.Sequence, known.Commit);
        return Counting(known).MaxBy(k => k.Sequence) is { } highest ? new SeenHead(highest.Sequence, highest.Commit) : null;
    }

    /// <summary>The newest moment that a timestamp of the branch has named, or null.</summary>
    public DateTimeOffset? Timestamp(BranchName branch) =>
        Timestamps.Where(t => t.Branch == branch).Select(t => (DateTimeOffset?)t.Created).Max();

    /// <summary>What is to be remembered when these are accepted; what does not count any more is forgotten.</summary>
    public SeenState With(VerifiedHead head, VerifiedTimestamp? timestamp, VerifiedAssignment? assignment) => seen with
    {
        Branches = [.. seen.Branches.Where(b => b.Branch != head.Branch), Marked(head)],
        Timestamps = timestamp is null ? seen.Timestamps : [.. Timestamps.Where(t => t.Branch != timestamp.Branch), .. Marked(timestamp)],
        Assignments = assignment is null ? seen.Assignments : Marked(Assignments, assignment.Envelope, assignment.Counter),
    };

    /// <summary>What is to be remembered when this is accepted.</summary>
    public SeenState With(VerifiedConfiguration configuration) => seen with { Configurations = Marked(Configurations, configuration.Envelope, configuration.Counter) };

    private IEnumerable<SeenKey> Counting(SeenBranch branch)
    {
        var keys = root.HeadKeys(branch.Branch);
        return (branch.Keys ?? []).Where(k => keys.Contains(k.Key));
    }

    private SeenBranch Marked(VerifiedHead head)
    {
        var before = seen.Find(head.Branch) is { } known ? Counting(known).ToDictionary(k => k.Key) : [];
        foreach (var signer in root.HeadSigners(head.Envelope, head.Branch))
        {
            var created = before.TryGetValue(signer, out var old) && old.Created > head.Created ? old.Created : head.Created;
            before[signer] = new SeenKey(signer, head.Sequence, head.Commit, created);
        }
        return new SeenBranch(head.Branch, head.Sequence, head.Commit, [.. before.Values.OrderBy(k => k.Key)]);
    }

    private IEnumerable<SeenTimestamp> Marked(VerifiedTimestamp timestamp)
    {
        var signers = root.SignersOf(timestamp.Envelope, Role.Timestamp);
        return Timestamps.Where(t => t.Branch == timestamp.Branch && !signers.Contains(t.Key))
            .Concat(signers.Order().Select(key => new SeenTimestamp(timestamp.Branch, key, timestamp.Created)));
    }

    private SeenCounter[] Marked(IEnumerable<SeenCounter> before, Envelope signed, long counter)
    {
        var signers = root.SignersOf(signed, Role.Fleet);
        return [.. before.Where(a => !signers.Contains(a.Key)), .. signers.Order().Select(key => new SeenCounter(key, counter))];
    }

    private static IReadOnlyList<KeyId> KeysOf(TrustRoot root, string role) => root.Roles.TryGetValue(role, out var known) ? known.KeyIds : [];
}
