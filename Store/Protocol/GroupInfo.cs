namespace ContentTree.Store.Protocol;

/// <summary>A named set of devices.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Rank">Of a device's groups the one with the lowest rank decides first.</param>
/// <param name="Devices">How many devices are in it.</param>
/// <param name="Filter">Who is in it besides those that were named; absent when only those.</param>
/// <param name="Policy">What they are to do; absent when nothing was said.</param>
/// <param name="SilentPolls">Polls that its devices may miss before they count as silent, 0 for any number; absent when the server's number counts.</param>
public sealed record GroupInfo(string Name, long Rank, long Devices, string? Filter = null, PolicyInfo? Policy = null, long? SilentPolls = null);
