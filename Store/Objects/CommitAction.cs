namespace ContentTree.Store.Objects;

/// <summary>What a device must do when something below a path changed.</summary>
/// <param name="Kind">The action.</param>
/// <param name="Path">The path from the tree's root; empty means any change.</param>
/// <param name="Unit">The systemd unit to reload or restart; empty for the other kinds.</param>
public sealed record CommitAction(CommitActionKind Kind, string Path, string Unit);
