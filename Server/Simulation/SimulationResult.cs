using ContentTree.Store.Protocol;

namespace ContentTree.Server.Simulation;

/// <summary>What became of the fleet.</summary>
/// <param name="Rollout">The rollout at its end.</param>
/// <param name="Reached">Devices that ever booted the release.</param>
/// <param name="OnRelease">Devices that run it at the end.</param>
/// <param name="OnBaseline">Devices that run what was before it.</param>
/// <param name="MostAtOnce">Devices that were told to update and had not come to an end, at most.</param>
/// <param name="Repeats">Times that a device was told anew to take the release after it had failed there.</param>
/// <param name="Elapsed">How long it took, in the simulated time.</param>
/// <param name="Polls">Polls that the server answered.</param>
internal sealed record SimulationResult(RolloutInfo Rollout, int Reached, int OnRelease, int OnBaseline, int MostAtOnce, int Repeats, TimeSpan Elapsed, long Polls);
