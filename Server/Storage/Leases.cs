using System.Security.Cryptography;

namespace ContentTree.Server.Storage;

/// <summary>
/// Which of the servers that share a database does what one of them is to do. Who holds a lease says so again and again; who falls silent has
/// lost it after half a minute. A server that shares nothing holds all of them.
/// </summary>
internal sealed class Leases(Database database, TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Length = TimeSpan.FromSeconds(30);

    private readonly string _holder = RandomNumberGenerator.GetHexString(16, lowercase: true);

    /// <summary>Whether this server is the one, for the next half minute.</summary>
    /// <param name="work">What is to be done.</param>
    public bool TryHold(string work)
    {
        if (!database.IsShared)
            return true;
        using var connection = database.ConnectHastily();
        return connection.Execute("""
            INSERT INTO leases (work, holder, expires) VALUES ($work, $holder, $expires)
            ON CONFLICT (work) DO UPDATE SET holder = excluded.holder, expires = excluded.expires WHERE leases.holder = excluded.holder OR leases.expires <= $now
            """, ("$work", work), ("$holder", _holder), ("$expires", time.GetUtcNow() + Length), ("$now", time.GetUtcNow())) == 1;
    }

    /// <summary>Between two steps of work that may last: holds on to it.</summary>
    /// <exception cref="IOException">Another server has taken it over meanwhile.</exception>
    public void Keep(string work)
    {
        if (!TryHold(work))
            throw new IOException($"another server has taken over the {work} meanwhile; this one took too long");
    }

    /// <summary>It is done: another server may begin the next of it.</summary>
    public void Release(string work) => Leave("DELETE FROM leases WHERE holder = $holder AND work = $work", ("$holder", _holder), ("$work", work));

    /// <summary>Leaves everything to the others, at once.</summary>
    public void Dispose() => Leave("DELETE FROM leases WHERE holder = $holder", ("$holder", _holder));

    private void Leave(string sql, params ReadOnlySpan<(string Name, object? Value)> parameters)
    {
        if (!database.IsShared)
            return;
        try
        {
            using var connection = database.Connect();
            connection.Execute(sql, parameters);
        }
        catch (System.Data.Common.DbException)
        {
            // They end by themselves.
        }
    }
}
