namespace ContentTree.Store.Objects;

/// <summary>A numbered step that converts persistent data once.</summary>
/// <param name="Number">Rises within a commit; a device runs those above the last one it has run.</param>
/// <param name="Path">The program's path from the tree's root.</param>
public sealed record CommitMigration(long Number, string Path);
