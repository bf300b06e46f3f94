using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Transfer;

/// <summary>The bundles of a stick, and which of them is for this device.</summary>
internal static class BundleShelf
{
    /// <summary>What the server's verb names them by default.</summary>
    public const string Suffix = ".ctb";

    // Looked at one by one; a stick has a few.
    private const int MaxBundles = 1000;
    private const int MaxRoots = 1024;

    /// <summary>Bundles with a head of the device's branch, that with the newest first; of one head the smaller ones first.</summary>
    /// <exception cref="StoppedException">There is none.</exception>
    public static IReadOnlyList<string> Choose(Device device, string stick)
    {
        var branch = device.State.Follow.Branch;
        var root = device.Trust.Root();
        string[] files = [.. Directory.EnumerateFiles(stick, "*" + Suffix).Take(MaxBundles)];
        var fitting = files.Select(file => (File: file, Sequence: SequenceIn(file, branch, root))).Where(b => b.Sequence > 0)
            .OrderByDescending(b => b.Sequence).ThenBy(b => new FileInfo(b.File).Length).Select(b => b.File).ToArray();
        return fitting.Length > 0 ? fitting : throw new StoppedException(ExitCode.NotFound, files.Length == 0
            ? $"{stick}: no bundle there (a file that ends with {Suffix})"
            : $"{stick}: none of its {files.Length} bundles is for branch {branch}, or signed by keys that this device knows");
    }

    // 0 for one that is of no use: what is wrong with it is told when it is named.
    private static long SequenceIn(string file, BranchName branch, TrustRoot root)
    {
        try
        {
            using var bundle = new BundleFile(file);
            // A device that slept through a change of keys goes on along the bundle's own chain, as it will when it installs it.
            for (var next = 0; next < MaxRoots && bundle.TryRead($"trust/{root.Version + 1}.root.json", Envelope.MaxBytes) is { } bytes; next++)
                root = root.Next(bytes);
            return bundle.TryRead($"heads/{branch}.json", Envelope.MaxBytes) is { } head ? root.VerifyHead(head, branch).Sequence : 0;
        }
        catch (Exception e) when (e is StoppedException or VerificationException or IOException)
        {
            return 0;
        }
    }
}
