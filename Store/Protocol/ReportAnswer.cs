namespace ContentTree.Store.Protocol;

/// <summary>How far the server has the device's events; the device may forget those.</summary>
/// <param name="Received">The highest event sequence up to which none is missing.</param>
public sealed record ReportAnswer(long Received);
