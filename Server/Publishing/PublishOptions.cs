using ContentTree.Server.Compositions;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing;

/// <summary>What a person says about a publish.</summary>
internal sealed record PublishOptions
{
    /// <summary>The annotation that names who made the source's revision.</summary>
    public const string AuthorAnnotation = "source.author";

    /// <summary>The version of what is tried out: no composition takes it unless it is asked for by this name.</summary>
    public const string DevelopmentVersion = "dev";

    /// <summary>The annotation that tells when the source's revision was made.</summary>
    public const string CreatedAnnotation = "source.created";

    public required BranchName Branch { get; init; }

    /// <summary>A directory, a tar archive, an image, "git:REPO#REV" or "ostree:REPO#REF".</summary>
    public required string Source { get; init; }

    public string Subject { get; init; } = "";

    public string Version { get; init; } = "";

    /// <summary>Where no version is said, it is what "git describe" says of the source.</summary>
    public bool DescribesVersion { get; init; }

    /// <summary>The directory of a git repository that is the source; the root for all of it.</summary>
    public EntryPath Subdirectory { get; init; } = EntryPath.Root;

    /// <summary>Hardware the commit is for; empty means any.</summary>
    public IReadOnlyList<string> Compatible { get; init; } = [];

    /// <summary>Devices do not pass over the commit on their way to a later one.</summary>
    public bool Barrier { get; init; }

    /// <summary>When the commit says it was made; null means now.</summary>
    public DateTimeOffset? Created { get; init; }

    /// <summary>Owner and group of every entry; null keeps the files' own.</summary>
    public (uint Uid, uint Gid)? Owner { get; init; }

    /// <summary>What the commit requires of others that it is composed with.</summary>
    public IReadOnlyList<Requirement> Requires { get; init; } = [];

    /// <summary>The only revision of the source that is taken; null takes what it is at.</summary>
    public string? ExpectedRevision { get; init; }

    /// <summary>Whether what the source's own program builds is published instead of the source.</summary>
    public BuildLimits? Build { get; init; }

    /// <summary>Where in the tree a file is put that says of what it was made; null for none.</summary>
    public EntryPath? Stamp { get; init; }

    /// <summary>The source is only looked at: also what it says of itself is read, and nothing is refused for it.</summary>
    public bool IsToBuildFrom { get; init; }

    /// <summary>The tree that the branch is at, all of which is in the repository that is published to; null where that is not known.</summary>
    public ObjectId? Present { get; init; }

    /// <summary>Read every file, also those that the stat cache proves unchanged.</summary>
    public bool NoCache { get; init; }

    /// <summary>New privileges are meant, whatever the settings say.</summary>
    public bool AllowPrivileged { get; init; }

    /// <summary>Keys that sign the head beside those of the server's own directory.</summary>
    public IReadOnlyList<ISigner> Signers { get; init; } = [];

    /// <summary>How the branch came there, for its history.</summary>
    public string Verb { get; init; } = BranchMove.Publish;

    /// <summary>Who moves the branch, for its history; null is whoever runs this program.</summary>
    public string? By { get; init; }

    /// <summary>Why, for the branch's history; null says nothing.</summary>
    public string? Reason { get; init; }

    /// <summary>Hears what is done, in words, for whoever waits.</summary>
    public Action<string>? Step { get; init; }

    /// <summary>Leave the branch where it is, and hand out the head for others to sign.</summary>
    public bool IsProposal { get; init; }

    /// <summary>The commit that says all this about an imported tree.</summary>
    public Commit Describe(ImportResult import, Provenance provenance, ObjectId? previous, DateTimeOffset now) => new()
    {
        Kind = VersionOf(provenance) == DevelopmentVersion ? CommitKind.Development : CommitKind.Release,
        Tree = import.Tree,
        Parents = previous is { } parent ? [parent] : [],
        Created = Created ?? now,
        Version = VersionOf(provenance),
        Subject = Subject.Length > 0 ? Subject : provenance.Subject,
        Body = provenance.Body,
        Source = provenance.Source,
        Annotations = Requirement.Annotations(Requires).Concat(Annotations((AuthorAnnotation, provenance.Author), (CreatedAnnotation, provenance.Created))).ToDictionary(),
        Architecture = import.Architecture,
        Compatible = Compatible,
        Barrier = Barrier,
        Bytes = import.Bytes,
        Entries = import.Entries,
    };

    /// <summary>The version that a tree of this source gets.</summary>
    public string VersionOf(Provenance provenance) => Version.Length > 0 ? Version : DescribesVersion ? provenance.Source.Describe : provenance.Version;

    private static IEnumerable<KeyValuePair<string, string>> Annotations(params (string Name, string Value)[] all) =>
        all.Where(a => a.Value.Length > 0).Select(a => KeyValuePair.Create(a.Name, a.Value));
}
