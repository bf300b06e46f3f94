using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.State;

/// <summary>The key this device signs with, and the id that it keeps when the key changes.</summary>
internal sealed class DeviceKey(SigningKey signing, IdentityState? identity) : IDisposable
{
    public SigningKey Signing { get; } = signing;

    /// <summary>The device's id.</summary>
    public KeyId Id { get; } = identity?.Device ?? signing.Id;

    /// <summary>The keys up to this one, oldest first: a server that knows one of them may take this one. Null while it is the first.</summary>
    public IReadOnlyList<KeyLink>? Links
    {
        get
        {
            var known = identity?.Keys.Select(link => link.PublicKey).ToList() ?? [];
            var at = known.IndexOf(Signing.Public.Pem);
            return at > 0 ? [.. identity!.Keys.Take(at + 1)] : null;
        }
    }

    public void Dispose() => Signing.Dispose();
}
