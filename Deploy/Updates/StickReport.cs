using System.Text;
using System.Text.Json;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Updates;

/// <summary>What this device would tell its server, signed, in a file that somebody carries there: <c>reports/(device).ctreport</c>.</summary>
internal static class StickReport
{
    private const string Folder = "reports";

    // Beside the longest list of events, and in base64, within what a server takes.
    private const int MaxBoxBytes = 2 << 20;

    /// <summary>Writes it, in place of an older one; returns its path.</summary>
    /// <exception cref="IOException">The stick is full or write-protected.</exception>
    public static string Write(Device device, string stick)
    {
        using var key = device.ReadKey();
        var events = device.State.Events.Events.TakeLast(OfflineReport.MaxEvents).ToArray();
        var report = new OfflineReport(key.Id, device.Clock.GetUtcNow(), new DeviceSelf(device).Describe(device.State.Follow.Branch), events);
        var file = Sign(report with { BlackBoxes = Boxes(device) }, key.Signing);
        var folder = Path.Combine(stick, Folder);
        Directory.CreateDirectory(folder);
        using var directory = Posix.OpenDirectory(folder);
        var name = key.Id + OfflineReport.FileSuffix;
        DurableFiles.Replace(directory, Encoding.ASCII.GetBytes(name), file);
        return Path.Combine(folder, name);
    }

    // Not marked as sent: a stick may get lost, and what the server has already it only replaces.
    private static BlackBoxRequest[] Boxes(Device device)
    {
        var (boxes, room) = (new List<BlackBoxRequest>(), MaxBoxBytes);
        foreach (var box in new BlackBox(device).Unsent().Reverse())
        {
            room -= JsonSerializer.SerializeToUtf8Bytes(box, ProtocolJson.Default.BlackBoxRequest).Length;
            if (room < 0 || boxes.Count == OfflineReport.MaxBlackBoxes)
                break;
            boxes.Add(box);
        }
        return [.. boxes];
    }

    private static byte[] Sign(OfflineReport offline, SigningKey key)
    {
        var report = JsonSerializer.SerializeToUtf8Bytes(offline, ProtocolJson.Default.OfflineReport);
        return JsonSerializer.SerializeToUtf8Bytes(new SignedReport(report, key.Sign(report)), ProtocolJson.Default.SignedReport);
    }
}
