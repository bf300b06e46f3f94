using System.Text;
using ContentTree.Store.Trust;

namespace ContentTree.Store.Protocol;

/// <summary>The keys a device has had, oldest first. Each one signs for the next, so whoever knows one of them may take the newest.</summary>
public static class KeyChain
{
    /// <summary>As many are kept and sent: one a month for ten years. A device that has had more leaves its oldest ones out, and proves no more that it had its first.</summary>
    public const int MaxKeys = 128;

    /// <summary>The device's present key signs for its next one.</summary>
    public static KeyLink Link(KeyId device, SigningKey present, PublicKey next) => new(next.Pem, present.Sign(Text(device, next)));

    /// <summary>The keys, once each signature was found right.</summary>
    /// <exception cref="FormatException">No chain of this device's keys.</exception>
    public static IReadOnlyList<PublicKey> Verify(KeyId device, IReadOnlyList<KeyLink> links)
    {
        if (links.Count is 0 or > MaxKeys)
            throw new FormatException($"a device sends 1 to {MaxKeys} of its keys, not {links.Count}");
        var keys = links.Select(link => PublicKey.Parse(link.PublicKey)).ToArray();
        for (var i = 1; i < keys.Length; i++)
        {
            if (links[i].Signature is not { } signature || !keys[i - 1].Verify(Text(device, keys[i]), signature))
                throw new FormatException($"the key before it has not signed for key {keys[i].Id}");
        }
        return keys;
    }

    private static byte[] Text(KeyId device, PublicKey next) => Encoding.ASCII.GetBytes($"CTREE-KEY1\n{device}\n{next.Pem}\n");
}
