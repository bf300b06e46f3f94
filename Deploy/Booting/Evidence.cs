namespace ContentTree.Deploy.Booting;

/// <summary>Something that was left behind by a boot of a trial, and that no power cut leaves behind.</summary>
/// <param name="Mark">The same whenever it is found again.</param>
/// <param name="Title">Where it was found.</param>
/// <param name="Content">What was found.</param>
/// <param name="Fault">What the tree did wrong, if this says so.</param>
internal sealed record Evidence(string Mark, string Title, string Content, string? Fault);
