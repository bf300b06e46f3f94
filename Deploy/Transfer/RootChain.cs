using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Follows the trust roots of a source, version by version, each signed for by the one before it. Each is kept before the next is asked
/// for, so a device that was off for years, or is cut in between, goes on where it was.
/// </summary>
internal sealed class RootChain(Device device)
{
    // TUF clients stop somewhere too: what is endless is no chain of keys.
    private const int MaxVersions = 1024;

    /// <param name="newest">The version that the source says it has; null where it says nothing.</param>
    /// <param name="read">Reads a file of the source, or null where there is none.</param>
    /// <exception cref="VerificationException">A root does not follow on the one before it; that one stays.</exception>
    public async Task FollowAsync(long? newest, Func<string, Task<byte[]?>> read)
    {
        var version = device.Trust.Root().Version;
        for (var last = version + MaxVersions; version < (newest ?? last) && version < last; version++)
        {
            if (await read(Routes.TrustRootVersion(version + 1)).ConfigureAwait(false) is not { } bytes)
                return;
            device.Trust.Follow(bytes);
        }
    }
}
