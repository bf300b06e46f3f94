namespace ContentTree.Server.Fleet;

/// <summary>Something else that was said of the same devices stands in the way; nothing was changed.</summary>
public sealed class FleetConflictException(string message) : Exception(message);
