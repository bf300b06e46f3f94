using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>One thing that happened on a device.</summary>
/// <param name="Sequence">Rises by one per event for the life of the device's state; with the device it names the event.</param>
/// <param name="Time">When, by the device's clock.</param>
/// <param name="Kind">One of <see cref="EventKind"/>; a server keeps kinds it does not know.</param>
/// <param name="Commit">The commit it is about.</param>
/// <param name="Deployment">The deployment it is about.</param>
/// <param name="Code">The exit code that fits, see <see cref="ExitCode"/>.</param>
/// <param name="Message">A line for people.</param>
public sealed record ReportEvent(
    long Sequence, DateTimeOffset Time, string Kind, ObjectId? Commit = null, string? Deployment = null, int Code = 0, string? Message = null);
