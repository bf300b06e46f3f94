using System.Globalization;
using System.Text;
using ContentTree.Store;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Storage;

/// <summary>The repository's <c>trust/</c>: every root ever (<c>N.root.json</c>) and the newest (<c>root.json</c>).</summary>
internal sealed class TrustFiles(string repositoryPath)
{
    /// <summary>A device may sleep in a cupboard for years; keys end by rotation, not by surprise.</summary>
    private const int RootYears = 20;

    private readonly string _path = Path.Combine(repositoryPath, "trust");

    private static ReadOnlySpan<byte> Newest => "root.json"u8;

    public bool Exists => TryReadNewest() is not null;

    public byte[]? TryReadNewest() => TryRead(Newest);

    public byte[]? TryReadVersion(long version) => TryRead(Versioned(version));

    /// <summary>The newest root, verified by its own root role.</summary>
    public TrustRoot Load() => TrustRoot.Load(TryReadNewest()
        ?? throw new StoreNotFoundException($"{_path}/root.json: missing; copy it back from a backup or from a device"));

    /// <summary>Writes version 1: this key is both root and release role until more are added.</summary>
    public void Found(ReleaseKey key, TimeProvider time)
    {
        using var trust = Posix.OpenDirectory(_path);
        var root = RootStatement.Of(key.Public, key.Public, version: 1, time.GetUtcNow().AddYears(RootYears));
        DurableFiles.TryCreate(trust, Versioned(1), key.Sign(root).Bytes.Span);
        // Whoever came first has written it: everybody publishes the same bytes.
        var first = DurableFiles.TryRead(trust, Versioned(1), Envelope.MaxBytes);
        DurableFiles.Replace(trust, Newest, first);
    }

    private byte[]? TryRead(ReadOnlySpan<byte> name)
    {
        using var trust = Posix.OpenDirectory(_path);
        return DurableFiles.TryRead(trust, name, Envelope.MaxBytes);
    }

    private static byte[] Versioned(long version) => Encoding.ASCII.GetBytes(version.ToString(CultureInfo.InvariantCulture) + ".root.json");
}
