namespace ContentTree.Server.Fleet;

/// <summary>Both numbers of <see cref="FleetStamp"/> at one moment.</summary>
internal readonly record struct FleetStamps(long Number, long Configuration);
