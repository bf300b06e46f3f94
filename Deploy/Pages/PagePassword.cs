using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ContentTree.Store;

namespace ContentTree.Deploy.Pages;

/// <summary>
/// What the page asks for, in <c>state/page-password</c>: <c>pbkdf2-sha512$(rounds)$(salt)$(hash)</c>, for root alone to read.
/// </summary>
internal sealed class PagePassword(DeviceRoot root)
{
    /// <summary>Characters, at least and at most. It may be a number: guessing waits.</summary>
    public const int MinLength = 6;

    public const int MaxLength = 256;

    private const string Name = "page-password";
    private const string Scheme = "pbkdf2-sha512";
    private const int MaxBytes = 1024;

    // A second of a small board's processor.
    private const int Rounds = 100_000;
    private const int MaxRounds = 10_000_000;
    private const int SaltBytes = 16;
    private const int HashBytes = 64;

    // Guessing must not take all processors away from what the device is for.
    private static readonly SemaphoreSlim Working = new(1);

    /// <summary>The file as it stands; null when nobody has set a password.</summary>
    public byte[]? TryRead()
    {
        using var directory = Posix.OpenDirectory(root.Layout.State);
        return DurableFiles.TryRead(directory, Encoding.ASCII.GetBytes(Name), MaxBytes);
    }

    /// <exception cref="FormatException">It is too short or too long.</exception>
    public void Set(string password)
    {
        if (password.Length is < MinLength or > MaxLength)
            throw new FormatException($"a password of the page has {MinLength} to {MaxLength} characters");
        var salt = RandomNumberGenerator.GetBytes(SaltBytes);
        var text = string.Create(CultureInfo.InvariantCulture, $"{Scheme}${Rounds}${Convert.ToBase64String(salt)}${Convert.ToBase64String(Derive(password, salt, Rounds))}\n");
        using var directory = Posix.OpenDirectory(root.Layout.State);
        DurableFiles.Replace(directory, Encoding.ASCII.GetBytes(Name), Encoding.ASCII.GetBytes(text), 0x180);
    }

    /// <summary>Whether there was one.</summary>
    public bool Remove()
    {
        var path = Path.Combine(root.Layout.State, Name);
        var was = File.Exists(path);
        File.Delete(path);
        return was;
    }

    /// <summary>Takes its time.</summary>
    public static async Task<bool> VerifyAsync(string password, byte[] stored, CancellationToken cancellation)
    {
        if (password.Length > MaxLength || Encoding.ASCII.GetString(stored).Trim().Split('$') is not [Scheme, var rounds, var salt, var hash] ||
            !int.TryParse(rounds, NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count is < 1 or > MaxRounds)
            return false;
        await Working.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => CryptographicOperations.FixedTimeEquals(Derive(password, Convert.FromBase64String(salt), count), Convert.FromBase64String(hash)), cancellation).ConfigureAwait(false);
        }
        catch (FormatException)
        {
            return false;
        }
        finally
        {
            Working.Release();
        }
    }

    private static byte[] Derive(string password, byte[] salt, int rounds) => Rfc2898DeriveBytes.Pbkdf2(password, salt, rounds, HashAlgorithmName.SHA512, HashBytes);
}
