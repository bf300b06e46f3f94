using ContentTree.Store.Deltas;

namespace ContentTree.Server.Deltas;

/// <summary>A delta that was made here does not pass the check that devices make: the fault is the program's, and nobody has seen it.</summary>
internal sealed class DeltaCheckException(CorruptDeltaException cause) : Exception(
    $"the delta that was made fails its own check ({cause.Message}): this is a mistake of ctree-server, please report it; " +
    "nothing was published, and devices are still served objects", cause);
