using System.Globalization;
using System.Text;
using ContentTree.Store;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Trust;

/// <summary>The repository's <c>trust/</c>: every root ever (<c>N.root.json</c>) and the newest (<c>root.json</c>).</summary>
internal sealed class TrustFiles(string repositoryPath)
{
    /// <summary>A device may sleep in a cupboard for years; keys end by rotation, not by surprise.</summary>
    public const int RootYears = 20;

    private readonly string _path = Path.Combine(repositoryPath, "trust");

    private TrustRoot? _known;

    private static ReadOnlySpan<byte> Newest => "root.json"u8;

    public bool Exists => TryReadNewest() is not null;

    public byte[]? TryReadNewest() => TryRead(Newest);

    public byte[]? TryReadVersion(long version) => TryRead(Versioned(version));

    /// <summary>The newest root, verified by its own root role: once, as long as the file says the same.</summary>
    public TrustRoot Load()
    {
        var bytes = TryReadNewest() ?? throw new StoreNotFoundException($"{_path}/root.json: missing; copy it back from a backup or from a device");
        if (_known is { } known && known.Envelope.Bytes.Span.SequenceEqual(bytes))
            return known;
        return _known = Read(bytes);
    }

    /// <summary>Every root, newest first: what was signed long ago was signed for one of them.</summary>
    public IEnumerable<TrustRoot> LoadAll()
    {
        var newest = Load();
        yield return newest;
        for (var version = newest.Version - 1; version > 0; version--)
        {
            if (TryReadVersion(version) is { } bytes)
                yield return Read(bytes);
        }
    }

    /// <summary>Writes version 1: one key is both root and release role until more are added, others sign timestamps and assignments.</summary>
    public void Found(ISigner key, ISigner timestamp, ISigner fleet, TimeProvider time)
    {
        using var trust = Posix.OpenDirectory(_path);
        var root = RootStatement.Of(key.Public, key.Public, version: 1, time.GetUtcNow().AddYears(RootYears))
            .With(Role.Timestamp, timestamp.Public).With(Role.Fleet, fleet.Public);
        var signed = new SigningKeys([key]).Sign(Envelope.Create(root.Encode(), []), _ => true);
        DurableFiles.TryCreate(trust, Versioned(1), signed.Bytes.Span);
        // Whoever came first has written it: everybody publishes the same bytes.
        var first = DurableFiles.TryRead(trust, Versioned(1), Envelope.MaxBytes);
        DurableFiles.Replace(trust, Newest, first);
    }

    /// <summary>Makes a verified successor the newest root. Said again after a crash it ends the same way. The caller has the lock.</summary>
    /// <exception cref="BranchMovedException">There is another root of that version.</exception>
    public void Install(TrustRoot next)
    {
        using var trust = Posix.OpenDirectory(_path);
        DurableFiles.TryCreate(trust, Versioned(next.Version), next.Envelope.Bytes.Span);
        // Devices may have it already, so it stays as it is, also where it says the same with other signatures.
        var installed = TryReadVersion(next.Version) ?? throw new IOException($"{_path}/{next.Version}.root.json does not read back");
        if (!Envelope.Parse(installed).SignedBytes.Span.SequenceEqual(next.Envelope.SignedBytes.Span))
            throw new BranchMovedException($"there is another root of version {next.Version} already, {_path}/{next.Version}.root.json; 'ctree-server key install' that one");
        DurableFiles.Replace(trust, Newest, installed);
    }

    /// <summary>Puts a lost <c>root.json</c> back from the numbered ones; false where there are none.</summary>
    public bool TryRestore()
    {
        if (TryReadVersion(1) is not { } first)
            return false;
        var root = TrustRoot.Load(first);
        while (TryReadVersion(root.Version + 1) is { } next)
            root = root.Next(next);
        using var trust = Posix.OpenDirectory(_path);
        DurableFiles.Replace(trust, Newest, root.Envelope.Bytes.Span);
        return true;
    }

    /// <summary>Held by whoever changes the root alone, and by those who sign under it together: else a head could be signed by keys that have just been dismissed.</summary>
    public IDisposable Lock(bool exclusive)
    {
        using var repository = Posix.OpenDirectory(Path.GetDirectoryName(_path) ?? "/");
        var file = Posix.OpenOrCreateAt(repository, "trust.lock"u8, 0x1a4);
        Posix.TryLock(file, exclusive, wait: true, "trust lock");
        return file;
    }

    // What developers publish is served like everything else: each device decides whether it takes any of it.
    private static TrustRoot Read(byte[] bytes) => TrustRoot.Load(bytes).WithDevelopers(_ => true);

    private byte[]? TryRead(ReadOnlySpan<byte> name)
    {
        using var trust = Posix.OpenDirectory(_path);
        return DurableFiles.TryRead(trust, name, Envelope.MaxBytes);
    }

    private static byte[] Versioned(long version) => Encoding.ASCII.GetBytes(version.ToString(CultureInfo.InvariantCulture) + ".root.json");
}
