using System.Text;
using ContentTree.Deploy.State;
using ContentTree.Store;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// Gives the device another key, while its server goes on knowing it. Each step is durable before the next and can be repeated: the new key is
/// kept before anybody sees it, the present one signs for it, the server takes both until the new one has signed a request, and only after its
/// answer does the device change over. So whatever is lost on the way, the device has a key that its server takes.
/// </summary>
internal sealed class KeyRotation(Device device, Sources sources)
{
    private const string NextFile = "device.next.pem";
    private const int Secret = 0x180;
    private const int MaxBytes = 4096;

    // In ten years no more keys than are kept.
    private static readonly TimeSpan Shortest = TimeSpan.FromDays(30);

    private string Directory => device.Layout.State;

    /// <summary>A change was begun and is to be ended, or the key is as old as the configuration lets it become.</summary>
    public static bool IsDue(Device device)
    {
        if (File.Exists(Path.Combine(device.Layout.State, NextFile)))
            return true;
        if (device.Config.KeyAge <= TimeSpan.Zero)
            return false;
        var longest = device.Config.KeyAge > Shortest ? device.Config.KeyAge : Shortest;
        return device.Clock.GetUtcNow() - device.State.KeySince() > longest;
    }

    /// <summary>Changes over to a new key, or ends a change that was begun; false where the server keeps no devices.</summary>
    /// <exception cref="ProblemException">The server refused; the device goes on with the key it has.</exception>
    /// <exception cref="ServerUnreachableException">It did not answer; the same.</exception>
    /// <exception cref="StoppedException">It took the key for another device's.</exception>
    public async Task<bool> RunAsync(CancellationToken cancellation)
    {
        using var directory = Posix.OpenDirectory(Directory);
        using var present = device.ReadKey();
        using var next = ReadOrMake(directory);
        if (next.Id != present.Signing.Id)
        {
            Vouch(present, next);
            if (!await ShowAsync(next, cancellation).ConfigureAwait(false))
            {
                Remove(directory);
                return false;
            }
            DurableFiles.Replace(directory, "device.pem"u8, Encoding.ASCII.GetBytes(next.ToPem()), Secret);
        }
        Remove(directory);
        return true;
    }

    private static SigningKey ReadOrMake(SafeFileHandle directory)
    {
        if (DurableFiles.TryRead(directory, Encoding.ASCII.GetBytes(NextFile), MaxBytes) is { } begun)
            return SigningKey.Parse(Encoding.ASCII.GetString(begun));
        var made = SigningKey.Generate();
        DurableFiles.Replace(directory, Encoding.ASCII.GetBytes(NextFile), Encoding.ASCII.GetBytes(made.ToPem()), Secret);
        return made;
    }

    // Before the server hears of it: once the device has changed over, nobody could sign for the new key any more.
    private void Vouch(DeviceKey present, SigningKey next)
    {
        if (device.State.Identity is { Keys: [.., var last] } && last.PublicKey == next.Public.Pem)
            return;
        var links = present.Links ?? [new KeyLink(present.Signing.Public.Pem)];
        var link = KeyChain.Link(present.Id, present.Signing, next.Public);
        device.State.Identity = new IdentityState(present.Id, [.. links.TakeLast(KeyChain.MaxKeys - 1), link], device.Clock.GetUtcNow());
    }

    private async Task<bool> ShowAsync(SigningKey next, CancellationToken cancellation)
    {
        var shown = new DeviceKey(next, device.State.Identity);
        var api = new DeviceApi(sources.Server.Connection, next, device.Clock);
        var answer = await api.EnrolAsync(new DeviceSelf(device).Introduce(shown, device.State.Follow.Branch), cancellation).ConfigureAwait(false);
        if (answer is null)
            return false;
        return answer.Device == shown.Id ? true : throw new StoppedException(ExitCode.Failed,
            $"{sources.Server.Connection.Server} took the new key for that of another device, {answer.Device}; the old one stays in use, and that device may be removed there");
    }

    private static void Remove(SafeFileHandle directory)
    {
        Posix.UnlinkAt(directory, Encoding.ASCII.GetBytes(NextFile));
        Posix.Fsync(directory, NextFile);
    }
}
