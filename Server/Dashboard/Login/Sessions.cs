using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Dashboard.Login;

/// <summary>Who is logged in: 256 random bits in a cookie, their hash here. A session ends when it was not used for a while, and after a week in any case.</summary>
internal sealed class Sessions(Database database, TimeProvider time)
{
    public static readonly TimeSpan Idle = TimeSpan.FromHours(12);
    public static readonly TimeSpan Longest = TimeSpan.FromDays(7);

    // Not every page view is a write.
    private static readonly TimeSpan SeenStep = TimeSpan.FromMinutes(1);
    private const int SecretBytes = 32;
    private const int MaxSecret = 64;

    public Session Create(User user, string address)
    {
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        var now = time.GetUtcNow();
        using var connection = database.Connect();
        connection.Execute("DELETE FROM sessions WHERE seen < $idle OR created < $longest", ("$idle", now - Idle), ("$longest", now - Longest));
        connection.Execute("INSERT INTO sessions (hash, user_name, created, seen, address) VALUES ($hash, $user, $now, $now, $address)",
            ("$hash", Hash(secret)), ("$user", user.Name), ("$now", now), ("$address", address));
        return new Session(user, secret);
    }

    public Session? Find(string? secret)
    {
        if (secret is null or { Length: 0 or > MaxSecret })
            return null;
        var (now, hash) = (time.GetUtcNow(), Hash(secret));
        using var connection = database.Connect();
        var found = connection.Query("""
            SELECT u.name, u.role, u.created, u.source, u.only_groups, s.seen FROM sessions s JOIN users u ON u.name = s.user_name
            WHERE s.hash = $hash AND s.seen >= $idle AND s.created >= $longest AND u.disabled IS NULL
            """, row => (User: new User(row.Text("name"), row.Text("role"), row.Time("created"), Source: row.Text("source"), Groups: OnlyGroups.Read(row)), Seen: row.Time("seen")),
            ("$hash", hash), ("$idle", now - Idle), ("$longest", now - Longest));
        if (found is not [var session])
            return null;
        if (now - session.Seen > SeenStep)
            connection.Execute("UPDATE sessions SET seen = $now WHERE hash = $hash", ("$now", now), ("$hash", hash));
        return new Session(session.User, secret);
    }

    public void End(Session session)
    {
        using var connection = database.Connect();
        connection.Execute("DELETE FROM sessions WHERE hash = $hash", ("$hash", Hash(session.Secret)));
    }

    /// <summary>Logs a user out everywhere.</summary>
    public int EndAll(string user)
    {
        using var connection = database.Connect();
        return connection.Execute("DELETE FROM sessions WHERE user_name = $user", ("$user", user));
    }

    /// <summary>Where a user is logged in, newest first.</summary>
    public IReadOnlyList<(string Address, DateTimeOffset Created, DateTimeOffset Seen)> Of(string user)
    {
        var now = time.GetUtcNow();
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM sessions WHERE user_name = $user AND seen >= $idle AND created >= $longest ORDER BY seen DESC LIMIT 100",
            row => (row.Text("address"), row.Time("created"), row.Time("seen")), ("$user", user), ("$idle", now - Idle), ("$longest", now - Longest));
    }

    private static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
