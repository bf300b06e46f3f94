using System.Globalization;
using System.Security.Cryptography;

namespace ContentTree.Server.Dashboard.Login;

/// <summary>Passwords at rest: <c>pbkdf2-sha512$(rounds)$(salt)$(hash)</c>, so that the rounds may rise later and old ones still count.</summary>
internal static class PasswordHash
{
    /// <summary>Characters of a password, at least and at most.</summary>
    public const int MinLength = 12;

    public const int MaxLength = 256;

    private const string Name = "pbkdf2-sha512";

    // What OWASP asks for with this hash; a tenth of a second of a processor.
    private const int Rounds = 220_000;
    private const int MaxRounds = 10_000_000;
    private const int SaltBytes = 16;
    private const int HashBytes = 64;

    // Guessing must not take all processors away from devices.
    private static readonly SemaphoreSlim Working = new(2);

    /// <exception cref="FormatException">It is too short, too long, or the name itself.</exception>
    public static void Require(string name, string password)
    {
        if (password.Length is < MinLength or > MaxLength)
            throw new FormatException($"a password has {MinLength} to {MaxLength} characters");
        if (password.Contains(name, StringComparison.OrdinalIgnoreCase) || password.Distinct().Count() < MinLength / 3)
            throw new FormatException("this password would be guessed: it has the name in it, or only a few different characters");
    }

    public static string Create(string password)
    {
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        return string.Create(CultureInfo.InvariantCulture, $"{Name}${Rounds}${Convert.ToBase64String(salt)}${Convert.ToBase64String(Derive(password, salt, Rounds))}");
    }

    /// <param name="stored">Null for a user that does not exist: it takes as long.</param>
    public static bool Verify(string password, string? stored)
    {
        if (password.Length > MaxLength)
            return false;
        if (stored?.Split('$') is not [Name, var rounds, var salt, var hash] || !int.TryParse(rounds, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > MaxRounds)
        {
            Derive(password, new byte[SaltBytes], Rounds);
            return false;
        }
        return CryptographicOperations.FixedTimeEquals(Derive(password, Convert.FromBase64String(salt), count), Convert.FromBase64String(hash));
    }

    private static byte[] Derive(string password, byte[] salt, int rounds)
    {
        Working.Wait();
        try
        {
            return Rfc2898DeriveBytes.Pbkdf2(password, salt, rounds, HashAlgorithmName.SHA512, HashBytes);
        }
        finally
        {
            Working.Release();
        }
    }
}
