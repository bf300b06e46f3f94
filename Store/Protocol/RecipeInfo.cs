using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A recipe and the branches that it makes.</summary>
/// <param name="Name">The composed branch, or a pattern with one '*'.</param>
/// <param name="Text">The recipe, as it was written.</param>
/// <param name="Branches">What it makes now; absent in a request.</param>
public sealed record RecipeInfo(string Name, string Text, IReadOnlyList<ComposedBranchInfo>? Branches = null);

/// <summary>One composed branch.</summary>
/// <param name="Name">The branch.</param>
/// <param name="Sequence">Where it is; 0 when it never was anywhere.</param>
/// <param name="Commit">The commit it is at.</param>
/// <param name="Refusal">Why it stays there though its parts have moved.</param>
/// <param name="Behind">Its parts have moved, and it will.</param>
public sealed record ComposedBranchInfo(BranchName Name, long Sequence, ObjectId? Commit = null, string? Refusal = null, bool? Behind = null);

/// <summary>All recipes.</summary>
public sealed record RecipeList(IReadOnlyList<RecipeInfo> Recipes);
