namespace ContentTree.Server.Auditing;

/// <summary>Which entries of the audit log are asked for; null is any.</summary>
/// <param name="Verb">All of it, or what is before its dot: "device".</param>
internal sealed record AuditFilter(string? Actor = null, string? Verb = null, string? Subject = null, DateTimeOffset? Since = null);
