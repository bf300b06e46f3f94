using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Privacy;

/// <summary>
/// Which objects the public branches reach, and which each private one: an index in <c>cache/reach.db</c>, made when the first branch becomes
/// private and made again when it is lost. A head enters it before anybody is given that head, so what a device knows of is found.
/// Memory is that of one commit's walk.
/// </summary>
internal sealed class ReachIndex(DataDirectory data, TimeProvider time)
{
    /// <summary>All public branches together.</summary>
    private const string Public = "";

    private const string Schema = """
        CREATE TABLE IF NOT EXISTS heads (branch TEXT PRIMARY KEY, realm TEXT NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS reach (object BLOB NOT NULL, realm TEXT NOT NULL, PRIMARY KEY (object, realm)) WITHOUT ROWID;
        """;

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(5);

    private readonly Lock _walking = new();
    private readonly Lazy<Database> _index = new(() => Database.OpenIndex(Path.Combine(data.Path, "cache", "reach.db"), Schema));
    private long _looked;

    /// <summary>Whether public branches, or one of these private ones, reach an object.</summary>
    public bool Reaches(ObjectName name, IReadOnlySet<BranchName> privateOnes, IReadOnlySet<BranchName> allowed)
    {
        if (Has(name, allowed))
            return true;
        // Heads that moved and that nobody has asked for yet; looking costs a walk through all branches.
        var last = Interlocked.Read(ref _looked);
        if (last != 0 && time.GetElapsedTime(last) < LookAgain)
            return false;
        Refresh(privateOnes);
        return Has(name, allowed);
    }

    /// <summary>As far as the index knows.</summary>
    public bool Has(ObjectName name, IReadOnlySet<BranchName> allowed)
    {
        using var connection = _index.Value.Connect();
        return connection.Query("SELECT realm FROM reach WHERE object = $object", row => row.GetString(0), ("$object", Key(name)))
            .Exists(realm => realm == Public || (BranchName.TryParse(realm, out var branch) && allowed.Contains(branch)));
    }

    /// <summary>Takes in all heads that are not in the index yet.</summary>
    public void Refresh(IReadOnlySet<BranchName> privateOnes)
    {
        lock (_walking)
        {
            foreach (var branch in data.Repository.Heads.ListArchived())
                TakeIn(branch, privateOnes);
            Interlocked.Exchange(ref _looked, time.GetTimestamp());
        }
    }

    /// <summary>Takes in a branch's heads; quick when there are no new ones.</summary>
    public void Refresh(BranchName branch, IReadOnlySet<BranchName> privateOnes)
    {
        lock (_walking)
            TakeIn(branch, privateOnes);
    }

    private void TakeIn(BranchName branch, IReadOnlySet<BranchName> privateOnes)
    {
        var realm = privateOnes.Contains(branch) ? branch.ToString() : Public;
        using var connection = _index.Value.Connect();
        var known = connection.Query("SELECT realm, sequence FROM heads WHERE branch = $branch",
            row => (Realm: row.Text("realm"), Sequence: row.Number("sequence")), ("$branch", branch));
        // What a branch had reached as public cannot be told from what others reach: everything is walked again.
        if (known is [var before] && before.Realm != realm)
        {
            connection.Execute("DELETE FROM reach");
            connection.Execute("DELETE FROM heads");
            foreach (var other in data.Repository.Heads.ListArchived().Where(b => b != branch))
                TakeIn(other, privateOnes);
            known = [];
        }
        var sequence = known is [var last] ? last.Sequence : 0;
        var news = data.Repository.Heads.ArchivedSequences(branch).Where(s => s > sequence).ToArray();
        if (news.Length == 0)
            return;
        var branches = new Branches(data, time);
        var closure = new RepositoryClosure(data.Repository);
        foreach (var commit in news.Select(n => CommitOf(branches, branch, n)).OfType<ObjectId>().Distinct())
            Walk(closure, commit);
        using var transaction = connection.BeginTransaction();
        foreach (var name in closure.Reached)
            connection.Execute("INSERT OR IGNORE INTO reach (object, realm) VALUES ($object, $realm)", ("$object", Key(name)), ("$realm", realm));
        connection.Execute("INSERT INTO heads (branch, realm, sequence) VALUES ($branch, $realm, $sequence) ON CONFLICT (branch) DO UPDATE SET sequence = $sequence",
            ("$branch", branch), ("$realm", realm), ("$sequence", news[^1]));
        transaction.Commit();
    }

    // What garbage collection has taken is reached by nobody, and what is damaged cannot be looked into: what was found before it counts.
    private static void Walk(RepositoryClosure closure, ObjectId commit)
    {
        try
        {
            closure.AddCommit(commit, _ => { });
        }
        catch (CorruptObjectException)
        {
        }
    }

    private static ObjectId? CommitOf(Branches branches, BranchName branch, long sequence)
    {
        try
        {
            return branches.ReadArchived(branch, sequence)?.Commit;
        }
        catch (Exception e) when (e is VerificationException or FormatException)
        {
            return null;
        }
    }

    // 33 bytes: the kind keeps a file from standing for a tree.
    private static byte[] Key(ObjectName name) => [(byte)name.Kind, .. Convert.FromHexString(name.Id.ToString())];
}
