using System.Text;
using ContentTree.Store;
using ContentTree.Store.Trust;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Trust;

/// <summary>The keys that may sign here: those of <c>keys/*.pem</c>, readable by their owner only, and those named on the command line.</summary>
internal sealed class SigningKeys(IReadOnlyList<ISigner> signers)
{
    private const int OwnerOnly = 0x180;
    private const int MaxBytes = 16 * 1024;
    private const string Suffix = ".pem";

    public IReadOnlyList<ISigner> Signers => signers;

    /// <summary>Every private key of the folder, by file name; public parts and certificates may lie beside them.</summary>
    /// <exception cref="FormatException">A private key there is none for ECDSA P-256.</exception>
    public static SigningKeys Load(SafeFileHandle keys)
    {
        var names = Posix.ReadDirectory(keys, "keys").Select(file => Encoding.UTF8.GetString(file.Name)).Where(name => name.EndsWith(Suffix, StringComparison.Ordinal));
        return new SigningKeys([.. names.Order(StringComparer.Ordinal).Select(name => Read(keys, name)).OfType<ISigner>()]);
    }

    /// <summary>A server's first key of this name. Two processes that start at once end with the same one: the file is made only where there is none.</summary>
    public static ISigner LoadOrGenerate(SafeFileHandle keys, string name)
    {
        var file = Encoding.ASCII.GetBytes(name);
        if (TryRead(keys, file) is { } present)
            return present;
        using var key = SigningKey.Generate();
        DurableFiles.TryCreate(keys, file, Encoding.UTF8.GetBytes(key.ToPem()), OwnerOnly);
        return TryRead(keys, file) ?? throw new IOException($"{name} was removed while it was made");
    }

    /// <summary>Makes a key in the folder, named by its id.</summary>
    public static PublicKey Generate(SafeFileHandle keys)
    {
        using var key = SigningKey.Generate();
        DurableFiles.TryCreate(keys, Encoding.ASCII.GetBytes(key.Id + Suffix), Encoding.UTF8.GetBytes(key.ToPem()), OwnerOnly);
        return key.Public;
    }

    /// <summary>These and more.</summary>
    public SigningKeys With(IEnumerable<ISigner> more) => new([.. signers, .. more]);

    /// <summary>Adds the signatures of those keys that play the role and have not signed yet.</summary>
    public Envelope Sign(Envelope envelope, TrustRoot root, string role)
    {
        if (!root.Roles.TryGetValue(role, out var wanted))
            return envelope;
        var signed = root.SignersOf(envelope, role);
        return Sign(envelope, signer => wanted.KeyIds.Contains(signer.Public.Id) && !signed.Contains(signer.Public.Id));
    }

    /// <summary>Adds the signatures of the chosen keys, each once.</summary>
    public Envelope Sign(Envelope envelope, Predicate<ISigner> isChosen)
    {
        foreach (var signer in signers.DistinctBy(s => s.Public.Id).Where(s => isChosen(s)))
        {
            var bytes = envelope.SignedBytes.Span;
            var own = envelope.Signatures.Where(s => s.KeyId == signer.Public.Id).ToArray();
            if (own.Any(s => signer.Public.Verify(envelope.SignedBytes.Span, s.Der.Span)))
                continue;
            // What somebody else has put under this key's name is no reason not to sign.
            envelope = Envelope.Create(bytes, [.. envelope.Signatures.Except(own), new EnvelopeSignature(signer.Public.Id, signer.Sign(bytes))]);
        }
        return envelope;
    }

    private static FileSigner? Read(SafeFileHandle keys, string name)
    {
        try
        {
            return TryRead(keys, Encoding.UTF8.GetBytes(name));
        }
        catch (FormatException e)
        {
            throw new FormatException($"keys/{name}: {e.Message}", e);
        }
    }

    private static FileSigner? TryRead(SafeFileHandle keys, ReadOnlySpan<byte> name) =>
        DurableFiles.TryRead(keys, name, MaxBytes) is { } bytes && bytes.AsSpan().IndexOf("PRIVATE KEY"u8) >= 0 ? new FileSigner(Encoding.UTF8.GetString(bytes)) : null;
}
