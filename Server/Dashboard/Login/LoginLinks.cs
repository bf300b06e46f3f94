using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Dashboard.Login;

/// <summary>One-time links that let their holder choose a name and a password: in place of a default password. Only the newest counts.</summary>
internal sealed class LoginLinks(Database database, TimeProvider time)
{
    /// <summary>How long a link is good.</summary>
    public static readonly TimeSpan Validity = TimeSpan.FromHours(24);

    private const int SecretBytes = 32;

    /// <summary>A new link's secret; those before it end.</summary>
    public string Create()
    {
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        var now = time.GetUtcNow();
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        connection.Execute("DELETE FROM login_links");
        connection.Execute("INSERT INTO login_links (hash, created, expires) VALUES ($hash, $now, $expires)", ("$hash", Hash(secret)), ("$now", now), ("$expires", now + Validity));
        transaction.Commit();
        return secret;
    }

    /// <summary>Whether a link is good; asking does not use it up.</summary>
    public bool IsGood(string secret)
    {
        using var connection = database.Connect();
        return connection.Query("SELECT 1 FROM login_links WHERE hash = $hash AND expires > $now", _ => 1, ("$hash", Hash(secret)), ("$now", time.GetUtcNow())).Count > 0;
    }

    /// <summary>Uses a link up; false when somebody has, or it has ended.</summary>
    public bool TryUse(string secret)
    {
        using var connection = database.Connect();
        return connection.Execute("DELETE FROM login_links WHERE hash = $hash AND expires > $now", ("$hash", Hash(secret)), ("$now", time.GetUtcNow())) > 0;
    }

    // 256 random bits: a plain hash is enough, and finding it by equality tells nothing.
    private static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));
}
