using ContentTree.Server.Auditing;

namespace ContentTree.Server.Publishing;

/// <summary>Who moves a branch, how and why: for people, in the branch's history. Nothing is decided by it.</summary>
/// <param name="Verb">One of <see cref="Publish"/> and its kin.</param>
/// <param name="By">A user of the server's machine, "token" and its id, or the git address that is followed.</param>
/// <param name="Reason">One line, or nothing.</param>
internal sealed record BranchMove(string Verb, string By, string Reason = "")
{
    /// <summary>Characters of a reason, at most.</summary>
    public const int MaxReason = 500;

    public const string Publish = "publish";
    public const string Import = "import";
    public const string Promote = "promote";
    public const string Revert = "revert";
    public const string Create = "create";
    public const string Advance = "advance";
    public const string Compose = "compose";
    public const string Follow = "follow";

    /// <summary>From where, for what came over the network; only the audit log keeps it.</summary>
    public string Address { get; init; } = "";

    /// <summary>By whoever runs this program, unless it is said who.</summary>
    public static BranchMove Here(string verb, string? reason = null, string? by = null) => new(verb, by ?? Actor.Here.Name, Checked(reason));

    /// <summary>By whoever sent a request.</summary>
    public static BranchMove Remote(string verb, Actor actor, string? reason) => new(verb, actor.Name, Checked(reason)) { Address = actor.Address };

    /// <summary>A reason as it is kept.</summary>
    /// <exception cref="FormatException">It is too long or has more than one line.</exception>
    public static string Checked(string? reason) => reason is null ? "" : reason.Length <= MaxReason && !reason.Any(char.IsControl)
        ? reason
        : throw new FormatException($"a reason is one line of at most {MaxReason} characters");
}
