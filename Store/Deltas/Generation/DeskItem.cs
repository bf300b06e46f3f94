namespace ContentTree.Store.Deltas.Generation;

/// <summary>Where the bytes of a part's item lie on the desk, the scratch file that a part is coded on.</summary>
/// <param name="OldAt">Where the base begins.</param>
/// <param name="OldLength">Bytes of it; 0 for none.</param>
/// <param name="NewAt">Where the content begins.</param>
/// <param name="NewLength">Bytes of it.</param>
/// <param name="Start">Where the new bytes begin in their content.</param>
internal readonly record struct DeskItem(long OldAt, long OldLength, long NewAt, long NewLength, long Start);
