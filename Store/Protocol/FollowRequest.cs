using ContentTree.Store.Objects;

namespace ContentTree.Store.Protocol;

/// <summary>A branch that is to follow a branch or tag of a git repository, and how what comes is published.</summary>
/// <param name="Branch">The branch here.</param>
/// <param name="Source">"git:REPOSITORY#REF", a path on the server absolute; in answers without passwords.</param>
/// <param name="Every">Seconds between looks; absent means 60.</param>
/// <param name="Subdir">The directory of the repository that is published; absent for all of it.</param>
/// <param name="Owner">"UID:GID" of every entry.</param>
/// <param name="Stamp">Where a file goes that says of what the tree was made.</param>
/// <param name="Build">Publish what the source's own program makes of it.</param>
/// <param name="Version">The version of every commit.</param>
/// <param name="Describe">The version is what "git describe" says.</param>
/// <param name="Compatible">Hardware it is for; absent means any.</param>
/// <param name="Requires">What it needs beside it in a composition.</param>
/// <param name="Hook">Whether a request may ask for a look: true makes a new secret, false takes it away, absent leaves it. In answers: whether there is one.</param>
public sealed record FollowRequest(
    BranchName Branch, string Source, long? Every = null, string? Subdir = null, string? Owner = null, string? Stamp = null, FollowBuild? Build = null,
    string? Version = null, bool? Describe = null, IReadOnlyList<string>? Compatible = null, IReadOnlyList<string>? Requires = null, bool? Hook = null);

/// <summary>What a source's own program may use.</summary>
/// <param name="Minutes">From start to end.</param>
/// <param name="Memory">Bytes of each of its processes.</param>
public sealed record FollowBuild(double Minutes, long Memory);
