using System.Buffers.Text;
using System.Data.Common;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Storage;

/// <summary>
/// Bearer tokens, <c>ctree-(8 hex).(43 characters of base64url)</c>: the first part finds the row, the second is 256 random
/// bits of which the row holds the SHA-256.
/// </summary>
internal sealed class Tokens(Database database, TimeProvider time)
{
    private const string Prefix = "ctree-";
    private const int SecretBytes = 32;

    /// <exception cref="ArgumentException">No such role, or no uses at all.</exception>
    /// <exception cref="FormatException">No such limit.</exception>
    public TokenAnswer Create(TokenRequest request)
    {
        using var connection = database.Connect();
        return Create(connection, request);
    }

    /// <summary>The first admin token, or null when one was ever made: it is shown once.</summary>
    public TokenAnswer? CreateFirstAdmin()
    {
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        if (connection.Query("SELECT 1 FROM tokens WHERE role = $role", _ => 1, ("$role", TokenRole.Admin)).Count > 0)
            return null;
        var token = Create(connection, new TokenRequest(TokenRole.Admin));
        transaction.Commit();
        return token;
    }

    public IReadOnlyList<TokenInfo> List()
    {
        using var connection = database.Connect();
        return connection.Query("SELECT * FROM tokens ORDER BY created, id", Read);
    }

    /// <exception cref="NotFoundException">There is no such token.</exception>
    public void Revoke(string id)
    {
        using var connection = database.Connect();
        if (connection.Execute("UPDATE tokens SET revoked = coalesce(revoked, $now) WHERE id = $id", ("$id", id), ("$now", time.GetUtcNow())) == 0)
            throw new NotFoundException($"no token {id}");
    }

    /// <summary>The token's row when it is known, in time and not revoked; it is not used up by this.</summary>
    public TokenInfo? Find(string? token)
    {
        using var connection = database.Connect();
        return Find(connection, token);
    }

    /// <summary>Takes one use of a token, inside the caller's transaction.</summary>
    public bool TryUse(DbConnection connection, string token, string role)
    {
        if (Find(connection, token) is not { } found || found.Role != role)
            return false;
        connection.Execute("UPDATE tokens SET uses = uses - 1 WHERE id = $id AND uses IS NOT NULL", ("$id", found.Id));
        return true;
    }

    private TokenAnswer Create(DbConnection connection, TokenRequest request)
    {
        if (!TokenRole.All.Contains(request.Role))
            throw new ArgumentException($"'{request.Role}' is no role: {string.Join(", ", TokenRole.All)}");
        if (request.Uses < 1)
            throw new ArgumentException("a token is good for at least one use");
        if (request.Expires <= time.GetUtcNow())
            throw new ArgumentException("the token would have ended already");
        var groups = OnlyGroups.Text(request.Role, request.Groups);
        var id = RandomNumberGenerator.GetHexString(8, lowercase: true);
        var secret = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(SecretBytes));
        connection.Execute("INSERT INTO tokens (id, hash, role, created, expires, uses, only_groups) VALUES ($id, $hash, $role, $now, $expires, $uses, $groups)",
            ("$id", id), ("$hash", Hash(secret)), ("$role", request.Role), ("$now", time.GetUtcNow()), ("$expires", request.Expires), ("$uses", request.Uses), ("$groups", groups));
        return new TokenAnswer(id, $"{Prefix}{id}.{secret}", request.Role);
    }

    private TokenInfo? Find(DbConnection connection, string? token)
    {
        if (token is null || !token.StartsWith(Prefix, StringComparison.Ordinal) || token[Prefix.Length..].Split('.') is not [var id, var secret])
            return null;
        var rows = connection.Query("SELECT * FROM tokens WHERE id = $id", row => (Read(row), (byte[])row["hash"]), ("$id", id));
        return rows is [(var info, var hash)] && CryptographicOperations.FixedTimeEquals(hash, Hash(secret)) && info.IsUsable(time.GetUtcNow())
            ? info
            : null;
    }

    private static byte[] Hash(string secret) => SHA256.HashData(Encoding.UTF8.GetBytes(secret));

    private static TokenInfo Read(DbDataReader row) => new(
        row.Text("id"), row.Text("role"), row.Time("created"), row.TimeOrNull("expires"),
        row["uses"] as long?, row.TimeOrNull("revoked") is not null, OnlyGroups.Read(row));
}
