using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace ContentTree.Deploy.Pages;

/// <summary>
/// Sessions that live in signed cookies, so that nobody's visit takes memory here. They end with the agent, with the password, when somebody
/// logs out, an hour after their last use and twelve hours after their beginning.
/// </summary>
internal sealed class PageSessions(TimeProvider clock)
{
    public const string Cookie = "ctree-page";

    private const int IdBytes = 16;
    private static readonly TimeSpan Unused = TimeSpan.FromHours(1);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(12);

    // A new one ends every session.
    private byte[] _secret = RandomNumberGenerator.GetBytes(32);
    private readonly long _start = clock.GetTimestamp();

    public PageSession Begin(bool isIn) => new(Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes)), Now, isIn);

    /// <summary>Whoever is in is out again: a cookie that somebody has copied ends with the one that it was copied from.</summary>
    public void EndAll() => _secret = RandomNumberGenerator.GetBytes(32);

    /// <summary>The session that a cookie names, if it still counts.</summary>
    /// <param name="cookie">What the browser sent.</param>
    /// <param name="password">The password's file: another password ends all sessions.</param>
    public PageSession? Find(string? cookie, byte[]? password)
    {
        if (cookie?.Split('.') is not [var id, var begun, var used, var isIn, var proof] || !Proves(proof, Text(id, begun, used, isIn), password))
            return null;
        return TryNumber(begun, out var from) && TryNumber(used, out var last) && Now - last < Unused.TotalSeconds && Now - from < Longest.TotalSeconds
            ? new PageSession(id, from, isIn == "1")
            : null;
    }

    /// <summary>The cookie for a session that was used now.</summary>
    public string CookieOf(PageSession session, byte[]? password)
    {
        var text = Text(session.Id, Number(session.Begun), Number(Now), session.IsIn ? "1" : "0");
        return $"{Cookie}={text}.{Sign(text, password)}";
    }

    /// <summary>What every form of this session carries.</summary>
    public string Token(PageSession session, byte[]? password) => Sign($"form {session.Id}", password);

    public bool IsToken(string? token, PageSession session, byte[]? password) => token is not null && Proves(token, $"form {session.Id}", password);

    private long Now => (long)clock.GetElapsedTime(_start).TotalSeconds;

    private bool Proves(string proof, string text, byte[]? password) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(proof), Encoding.UTF8.GetBytes(Sign(text, password)));

    private string Sign(string text, byte[]? password)
    {
        var key = HMACSHA256.HashData(_secret, password ?? []);
        return Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));
    }

    private static string Text(string id, string begun, string used, string isIn) => $"{id}.{begun}.{used}.{isIn}";

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static bool TryNumber(string text, out long number) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
}
