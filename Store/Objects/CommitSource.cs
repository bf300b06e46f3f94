namespace ContentTree.Store.Objects;

/// <summary>Where a commit's tree came from. Texts that do not apply are empty.</summary>
/// <param name="Kind">What was read.</param>
/// <param name="Url">The repository or file, as the publisher named it.</param>
/// <param name="Revision">The exact revision, for instance a git commit.</param>
/// <param name="Describe">The revision for people, for instance <c>git describe</c>.</param>
public sealed record CommitSource(CommitSourceKind Kind, string Url = "", string Revision = "", string Describe = "");
