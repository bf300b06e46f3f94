namespace ContentTree.Store.Trust;

/// <summary>Why a statement was refused.</summary>
public enum VerificationFailure
{
    /// <summary>The bytes are not canonical, or a field is missing, unknown or outside its limits.</summary>
    Malformed,

    /// <summary>A statement of another kind than the place it was found in.</summary>
    WrongKind,

    /// <summary>The root does not know the role.</summary>
    UnknownRole,

    /// <summary>Fewer distinct keys of the role have signed these bytes than its threshold asks.</summary>
    NotSigned,

    /// <summary>A statement about another branch.</summary>
    WrongBranch,

    /// <summary>Its time is over: nobody has renewed it.</summary>
    Expired,

    /// <summary>A lower sequence or version than one already seen.</summary>
    RolledBack,

    /// <summary>A root that does not follow directly on the trusted one.</summary>
    Skipped,

    /// <summary>The sequence already seen, with another commit.</summary>
    Conflict,

    /// <summary>The root asks for a statement that did not come.</summary>
    Missing,

    /// <summary>A timestamp of another head.</summary>
    OtherHead,

    /// <summary>An assignment or a configuration of another device.</summary>
    OtherDevice,

    /// <summary>An assignment to a commit that no head of its branch has named.</summary>
    Unpublished,

    /// <summary>Signed by those who may only compose, and not what follows from released parts.</summary>
    NotComposed,
}
