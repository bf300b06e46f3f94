namespace ContentTree.Store.Trees;

/// <summary>A path that can do more, or less, than its owner and mode say: setuid, setgid, capabilities, labels, device nodes.</summary>
/// <param name="Path">For people; ends in a slash for a directory.</param>
/// <param name="Before">What it had, in words; empty when it had none.</param>
/// <param name="After">What it has; empty when it has none.</param>
public sealed record PrivilegeChange(string Path, string Before, string After);
