using System.Text;
using ContentTree.Store;
using ContentTree.Store.Trust;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Storage;

/// <summary>The private key that signs branch heads: <c>keys/release.pem</c>, readable by its owner only.</summary>
internal sealed class ReleaseKey
{
    private const int OwnerOnly = 0x180;
    private const int MaxBytes = 16 * 1024;

    private readonly string _pem;

    private ReleaseKey(string pem)
    {
        _pem = pem;
        using var key = SigningKey.Parse(pem);
        Public = key.Public;
    }

    private static ReadOnlySpan<byte> FileName => "release.pem"u8;

    public PublicKey Public { get; }

    public static ReleaseKey? TryLoad(SafeFileHandle keys) => DurableFiles.TryRead(keys, FileName, MaxBytes) is { } bytes
        ? new ReleaseKey(Encoding.UTF8.GetString(bytes))
        : null;

    /// <summary>Two processes that start at once end with the same key: the file is made only where there is none.</summary>
    public static ReleaseKey LoadOrGenerate(SafeFileHandle keys)
    {
        if (TryLoad(keys) is { } present)
            return present;
        using var key = SigningKey.Generate();
        DurableFiles.TryCreate(keys, FileName, Encoding.UTF8.GetBytes(key.ToPem()), OwnerOnly);
        return TryLoad(keys) ?? throw new IOException("keys/release.pem was removed while it was made");
    }

    public Envelope Sign(Statement statement)
    {
        // A key object serves one thread; signing is rare, so each call makes its own.
        using var key = SigningKey.Parse(_pem);
        return key.Sign(statement);
    }
}
