namespace ContentTree.Store.Protocol;

/// <summary>A change that somebody made (docs/protocol.md, "Audit log"). What does not apply is empty.</summary>
/// <param name="Number">Counts from 1, without gaps.</param>
/// <param name="Time">When, to the second.</param>
/// <param name="Actor">A user of the server's machine, "token" and its id, "device" and its id, or what the server does by itself.</param>
/// <param name="Address">From where, for what came over the network.</param>
/// <param name="Verb">What, for instance "device.accept".</param>
/// <param name="Subject">To what: a branch, a device, a token, in one word.</param>
/// <param name="Before">What was before, in short.</param>
/// <param name="After">What is now, in short.</param>
/// <param name="Reason">Why, as the actor said.</param>
/// <param name="Hash">SHA-256 over the hash before it and all of this, 64 hex digits.</param>
public sealed record AuditEntry(
    long Number, DateTimeOffset Time, string Actor, string Address, string Verb, string Subject, string Before, string After, string Reason, string Hash);

/// <summary>The last entry that was ever made, as it is written beside the log.</summary>
/// <param name="Number">Its number.</param>
/// <param name="Hash">Its hash.</param>
public sealed record AuditHead(long Number, string Hash);

/// <summary>A page of the audit log, newest first.</summary>
/// <param name="Entries">Those that were asked for.</param>
/// <param name="Cursor">For the next page; absent on the last one.</param>
/// <param name="Head">The last entry that was ever made; absent before the first.</param>
public sealed record AuditList(IReadOnlyList<AuditEntry> Entries, string? Cursor = null, AuditHead? Head = null);
