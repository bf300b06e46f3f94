using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet.Configurations;

/// <summary>
/// Keeps secrets so that the database alone does not tell them: AES-256-GCM under a key of its own, which lies with those that a running
/// server signs with. A backup without keys does not have it, but neither has it the key that would send anything to a device.
/// </summary>
internal sealed class SecretBox(DataDirectory data)
{
    private const string Label = "CTREE SECRETS KEY";
    private const int OwnerOnly = 0x180;
    private const int MaxFileBytes = 4096;
    private const int KeyBytes = 32;
    private const int NonceBytes = 12;
    private const int TagBytes = 16;

    private static ReadOnlySpan<byte> FileName => "secrets.pem"u8;

    private string FolderPath => Path.Combine(data.Path, "online-keys");

    /// <summary>Closes a text in; it can be opened for the same key of the same scope only.</summary>
    public string Close(string text, ConfigurationScope scope, ConfigurationKey key)
    {
        var plain = Encoding.UTF8.GetBytes(text);
        var closed = new byte[NonceBytes + TagBytes + plain.Length];
        RandomNumberGenerator.Fill(closed.AsSpan(0, NonceBytes));
        using var cipher = new AesGcm(ReadKey() ?? MakeKey(), TagBytes);
        cipher.Encrypt(closed.AsSpan(0, NonceBytes), plain, closed.AsSpan(NonceBytes + TagBytes), closed.AsSpan(NonceBytes, TagBytes), About(scope, key));
        return Convert.ToBase64String(closed);
    }

    /// <exception cref="FormatException">The key is not here, or it is another than it was.</exception>
    public string Open(string closed, ConfigurationScope scope, ConfigurationKey key)
    {
        var lost = $"{key} of {scope.Words} cannot be read with {FolderPath}/secrets.pem; set it anew";
        try
        {
            var bytes = Convert.FromBase64String(closed);
            if (bytes.Length < NonceBytes + TagBytes)
                throw new FormatException(lost);
            var plain = new byte[bytes.Length - NonceBytes - TagBytes];
            using var cipher = new AesGcm(ReadKey() ?? throw new FormatException(lost), TagBytes);
            cipher.Decrypt(bytes.AsSpan(0, NonceBytes), bytes.AsSpan(NonceBytes + TagBytes), bytes.AsSpan(NonceBytes, TagBytes), plain, About(scope, key));
            return Encoding.UTF8.GetString(plain);
        }
        catch (CryptographicException e)
        {
            throw new FormatException(lost, e);
        }
    }

    // What was said of one device must not be given to another by whoever can write into the database only.
    private static byte[] About(ConfigurationScope scope, ConfigurationKey key) => Encoding.UTF8.GetBytes($"{scope}\n{key}");

    private byte[]? ReadKey()
    {
        using var folder = Posix.OpenDirectory(FolderPath);
        if (DurableFiles.TryRead(folder, FileName, MaxFileBytes) is not { } bytes)
            return null;
        var text = Encoding.UTF8.GetString(bytes);
        return PemEncoding.TryFind(text, out var fields) && text[fields.Label] == Label && Convert.FromBase64String(text[fields.Base64Data]) is { Length: KeyBytes } key
            ? key
            : throw new FormatException($"{FolderPath}/secrets.pem is no key of secrets");
    }

    // Of two processes at once the second one finds the first one's.
    private byte[] MakeKey()
    {
        using (var folder = Posix.OpenDirectory(FolderPath))
            DurableFiles.TryCreate(folder, FileName, Encoding.ASCII.GetBytes(PemEncoding.WriteString(Label, RandomNumberGenerator.GetBytes(KeyBytes)) + "\n"), OwnerOnly);
        return ReadKey() ?? throw new IOException($"{FolderPath}/secrets.pem was removed while it was made");
    }
}
