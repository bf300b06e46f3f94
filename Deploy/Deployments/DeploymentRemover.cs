using System.Text;
using ContentTree.BootFile;
using ContentTree.Store;
using ContentTree.Store.Local;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Deployments;

/// <summary>Removes deployments: the marker first, durably, so that what is half gone is never taken for whole.</summary>
internal static class DeploymentRemover
{
    private const string Trash = ".trash-";

    public static void Remove(DeviceLayout layout, DeploymentName name)
    {
        using var deployments = Posix.OpenDirectory(layout.Deployments);
        TreeCheckout.Remove(deployments, Bytes($"{name}.ok"));
        Posix.Fsync(deployments, layout.Deployments);
        RemoveIncomplete(deployments, name);
    }

    /// <summary>Removes a deployment that has no marker.</summary>
    public static void RemoveIncomplete(SafeFileHandle deployments, DeploymentName name)
    {
        foreach (var part in new[] { name.ToString(), $"{name}.etc", $"{name}.data" })
        {
            if (Posix.StatAt(deployments, Bytes(part)) is null)
                continue;
            TreeCheckout.Remove(deployments, Bytes(Trash + part));
            Posix.RenameAt(deployments, Bytes(part), deployments, Bytes(Trash + part));
            TreeCheckout.Remove(deployments, Bytes(Trash + part));
        }
    }

    /// <summary>Removes what crashes left: trash, half deployments, markers without one.</summary>
    /// <param name="layout">Where.</param>
    /// <param name="stay">Names that stay, whole or not: what runs must not vanish because its marker did.</param>
    public static void RemoveLeftovers(DeviceLayout layout, IReadOnlySet<DeploymentName> stay)
    {
        using var deployments = Posix.OpenDirectory(layout.Deployments);
        var complete = DeploymentSet.Scan(layout).Select(d => d.Name).ToHashSet();
        foreach (var (bytes, _) in Posix.ReadDirectory(deployments, layout.Deployments))
        {
            var text = Posix.Display(bytes);
            if (text.StartsWith(Trash, StringComparison.Ordinal) || text.StartsWith(".new-", StringComparison.Ordinal) ||
                (TryName(text, out var name) && !complete.Contains(name) && !stay.Contains(name)))
                TreeCheckout.Remove(deployments, bytes);
        }
    }

    /// <summary>The highest number that any name here has, whole or not; 0 if none.</summary>
    public static ulong HighestNumber(DeviceLayout layout)
    {
        using var deployments = Posix.OpenDirectory(layout.Deployments);
        return Posix.ReadDirectory(deployments, layout.Deployments)
            .Select(entry => TryName(Posix.Display(entry.Name).Replace(Trash, "", StringComparison.Ordinal), out var name) ? name.Number : 0)
            .DefaultIfEmpty().Max();
    }

    private static bool TryName(string text, out DeploymentName name) =>
        DeploymentName.TryParse(text.Split('.')[0], out name) && (text[name.ToString().Length..] is "" or ".etc" or ".data" or ".ok");

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
}
