using System.Text.Json;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Server.Webhooks;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>Takes what devices without a network say, brought by somebody on a stick. Its device's key has signed it; said again it changes nothing.</summary>
internal sealed class OfflineReports(Database database, Devices devices, Events events, BlackBoxes boxes, TimeProvider time)
{
    private static readonly TimeSpan ClockDrift = TimeSpan.FromDays(1);

    /// <exception cref="FormatException">It is none.</exception>
    /// <exception cref="NotFoundException">There is no such device, or it was not accepted.</exception>
    /// <exception cref="VerificationException">Its device has not signed it.</exception>
    public DeviceInfo Take(ReadOnlySpan<byte> file)
    {
        var signed = Parse(file, ProtocolJson.Default.SignedReport);
        var report = Parse(signed.Report, ProtocolJson.Default.OfflineReport);
        if (devices.FindState(report.Device) != DeviceState.Accepted)
            throw new NotFoundException($"no accepted device {report.Device}; 'device list' shows all");
        if (!new DeviceKeys(database, time).Of(report.Device).Any(key => key.Verify(signed.Report, signed.Signature)))
            throw new VerificationException($"report of {report.Device}", VerificationFailure.NotSigned, "the device's key has not signed it");
        DeviceMessages.Require(report.Poll);
        if (report.Events.Count > OfflineReport.MaxEvents)
            throw new FormatException($"more than {OfflineReport.MaxEvents} events in one report");
        if (report.BlackBoxes?.Count > OfflineReport.MaxBlackBoxes)
            throw new FormatException($"more than {OfflineReport.MaxBlackBoxes} black boxes in one report");
        IReadOnlyList<BlackBoxRequest> told = report.BlackBoxes ?? [];
        foreach (var box in told)
            BlackBoxes.Require(box);
        var known = devices.Find(report.Device);
        var reported = DeviceMessages.Checked(report.Events);
        // Events count, also where a clock does not run: with an older one than is known the state is an older one too.
        if ((report.Poll.Reports ?? 0) >= (known.LastEvent?.Sequence ?? 0) && report.Created >= (known.LastSeen ?? DateTimeOffset.MinValue))
            Record(report);
        events.Store(report.Device, reported, (connection, news) => new Outbox(database, time).Tell(connection, report.Device, news));
        // The newest come first, and the newest are kept.
        var seconds = long.Clamp(report.Created.ToUnixTimeSeconds(), told.Count, time.GetUtcNow().ToUnixTimeSeconds());
        foreach (var (index, box) in told.Index().Reverse())
            boxes.Store(report.Device, box, DateTimeOffset.FromUnixTimeSeconds(seconds - index));
        return devices.Find(report.Device);
    }

    private void Record(OfflineReport report)
    {
        devices.Record(report.Device, report.Poll, report.Created > time.GetUtcNow() + ClockDrift ? time.GetUtcNow() : report.Created);
        using var connection = database.Connect();
        using var transaction = connection.BeginWriting();
        Groups.Groups.Refill(connection, report.Device);
        RolloutBook.Note(connection, report.Device, report.Poll, time.GetUtcNow());
        transaction.Commit();
    }

    private static T Parse<T>(ReadOnlySpan<byte> json, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        try
        {
            return ProtocolMessage.Parse(json, type);
        }
        catch (JsonException e)
        {
            throw new FormatException($"no report of a device: {e.Message}", e);
        }
    }
}
