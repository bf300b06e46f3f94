using System.Text;
using System.Text.Json;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Updates;

/// <summary>What this device would tell its server, signed, in a file that somebody carries there: <c>reports/(device).ctreport</c>.</summary>
internal static class StickReport
{
    private const string Folder = "reports";

    /// <summary>Writes it, in place of an older one; returns its path.</summary>
    /// <exception cref="IOException">The stick is full or write-protected.</exception>
    public static string Write(Device device, string stick)
    {
        using var key = device.ReadKey();
        var events = device.State.Events.Events.TakeLast(OfflineReport.MaxEvents).ToArray();
        var report = JsonSerializer.SerializeToUtf8Bytes(
            new OfflineReport(key.Id, device.Clock.GetUtcNow(), new DeviceSelf(device).Describe(device.State.Follow.Branch), events), ProtocolJson.Default.OfflineReport);
        var file = JsonSerializer.SerializeToUtf8Bytes(new SignedReport(report, key.Signing.Sign(report)), ProtocolJson.Default.SignedReport);
        var folder = Path.Combine(stick, Folder);
        Directory.CreateDirectory(folder);
        using var directory = Posix.OpenDirectory(folder);
        var name = key.Id + OfflineReport.FileSuffix;
        DurableFiles.Replace(directory, Encoding.ASCII.GetBytes(name), file);
        return Path.Combine(folder, name);
    }
}
