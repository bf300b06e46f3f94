using System.Data.Common;
using ContentTree.Server.Endpoints;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Server.Fleet.Rollouts;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>What a poll says is written down, and decides what the device is told besides its branch's head.</summary>
internal sealed class DevicePolls(DataDirectory data, Database database, Devices devices, Decisions decisions, TimeProvider time, ILogger log)
{
    private const string Good = "good";

    private readonly Assignments _assignments = new(data, database, time);

    private readonly Configurations.Configurations _configurations = new(data, database, time, log);

    /// <summary>Takes a poll; what the device is to hear, signed for it alone.</summary>
    public DeviceNews Take(KeyId device, DeviceState state, PollRequest poll)
    {
        var hasMoved = devices.Record(device, poll);
        using var connection = database.Connect();
        if (hasMoved)
            Refill(connection, device);
        if (state != DeviceState.Accepted)
            return new DeviceNews(null, null);
        RolloutBook.Note(connection, device, poll, time.GetUtcNow());
        if (decisions.Of(connection, device) is not { } seen)
            return new DeviceNews(null, null);
        if (seen.Decision.IsOfferable && TryOffer(connection, seen))
        {
            RolloutBook.Note(connection, device, poll, time.GetUtcNow());
            seen = decisions.Of(connection, device) ?? seen;
        }
        if (Decisions.Write(connection, seen))
            ChangeBell.Ring(connection);
        Tell(device, poll, seen.Decision);
        return new DeviceNews(_assignments.Newest(device, poll.Branch, poll.Assignment), _configurations.Newest(connection, device, seen.Device.Groups, poll.Configuration));
    }

    /// <summary>A device has said anew what it is.</summary>
    public void Enrolled(KeyId device)
    {
        using var connection = database.Connect();
        Refill(connection, device);
    }

    private static void Refill(DbConnection connection, KeyId device)
    {
        using var transaction = connection.BeginWriting();
        Groups.Groups.Refill(connection, device);
        transaction.Commit();
    }

    // One that runs it already need not wait for its turn.
    private bool TryOffer(DbConnection connection, Seen seen)
    {
        var (id, wave) = seen.Decision.Governed ?? throw new System.Diagnostics.UnreachableException();
        var (rollout, now) = (RolloutBook.Find(connection, id), time.GetUtcNow());
        var isThere = seen.Condition.Running == rollout.Commit && seen.Condition.Boot == Good;
        return (isThere || rollout.Plan.Window?.Contains(now) != false) && RolloutBook.TryOffer(connection, rollout, seen.Device.Id, wave, now);
    }

    // A device that cannot be told follows its branch: it is not to go without that as well.
    private void Tell(KeyId device, PollRequest poll, Decision decision)
    {
        try
        {
            _assignments.Tell(device, poll.Branch, decision, known: poll.Assignment);
        }
        catch (NotFoundException e)
        {
            Log.NotTold(log, device, decision.Action, e.Message);
        }
        catch (BranchMovedException)
        {
            // Somebody told it something newer, which it hears now.
        }
    }
}
