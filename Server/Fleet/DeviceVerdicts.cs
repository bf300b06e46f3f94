using ContentTree.Server.Auditing;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Fleet;

/// <summary>Who lets devices in, turns them away or forgets them, with the line in the audit log that belongs to it.</summary>
internal sealed class DeviceVerdicts(Devices devices, Audit audit)
{
    /// <param name="expectedOn">As <see cref="Devices.Decide"/> has it.</param>
    /// <exception cref="Store.Repositories.NotFoundException">There is no such device, and none is expected.</exception>
    public DeviceInfo Decide(Actor by, KeyId id, DeviceState state, BranchName? expectedOn = null)
    {
        AuditHead? noted = null;
        var decided = devices.Decide(id, state, expectedOn, (connection, before) =>
            noted = audit.Note(connection, by, state == DeviceState.Accepted ? "device.accept" : "device.reject", id, $"{before}", $"{state}"));
        audit.Raise(noted);
        return decided;
    }

    /// <exception cref="Store.Repositories.NotFoundException">There is no such device.</exception>
    public void Remove(Actor by, KeyId id)
    {
        AuditHead? noted = null;
        devices.Remove(id, connection => noted = audit.Note(connection, by, "device.remove", id));
        audit.Raise(noted);
    }
}
