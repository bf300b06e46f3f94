using System.Text;
using ContentTree.Store;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>
/// The developers whose trees this device takes: public keys below <c>state/trust/developers/</c>, outside every tree, so that no image brings one and
/// only somebody with root on this device makes it a development unit. They count where the trust root names them too, for what that lets developers sign.
/// </summary>
internal sealed class DeveloperKeys(DeviceRoot root)
{
    private const int MaxBytes = 4096;
    private const string Suffix = ".pem";

    public bool Accepts(PublicKey key) => List().Any(known => known.Pem == key.Pem);

    /// <summary>Those that can be read; what cannot is trusted by nobody.</summary>
    public IReadOnlyList<PublicKey> List() => Directory.Exists(root.Developers)
        ? [.. Directory.EnumerateFiles(root.Developers, "*" + Suffix).Order(StringComparer.Ordinal).Select(TryRead).OfType<PublicKey>()]
        : [];

    public void Add(PublicKey key)
    {
        using (var trust = Posix.OpenDirectory(root.Trust))
        {
            DurableFiles.EnsureDirectory(trust, "developers"u8, 0x1ed);
            Posix.Fsync(trust, root.Trust);
        }
        using var directory = Posix.OpenDirectory(root.Developers);
        DurableFiles.Replace(directory, NameOf(key.Id), Encoding.ASCII.GetBytes(key.Pem + "\n"));
    }

    /// <summary>False when there is no such key.</summary>
    public bool Remove(KeyId key)
    {
        if (List().All(known => known.Id != key))
            return false;
        using var directory = Posix.OpenDirectory(root.Developers);
        foreach (var file in Directory.GetFiles(root.Developers, "*" + Suffix).Where(file => TryRead(file)?.Id == key))
            Posix.UnlinkAt(directory, Encoding.UTF8.GetBytes(Path.GetFileName(file)));
        Posix.Fsync(directory, root.Developers);
        return true;
    }

    private PublicKey? TryRead(string file)
    {
        using var directory = Posix.OpenDirectory(root.Developers);
        try
        {
            return DurableFiles.TryRead(directory, Encoding.UTF8.GetBytes(Path.GetFileName(file)), MaxBytes) is { } bytes ? PublicKey.Parse(Encoding.ASCII.GetString(bytes)) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static byte[] NameOf(KeyId key) => Encoding.ASCII.GetBytes(key + Suffix);
}
