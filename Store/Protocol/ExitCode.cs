namespace ContentTree.Store.Protocol;

/// <summary>How every program of the project ends. The numbers are a contract and never change.</summary>
public enum ExitCode
{
    /// <summary>Done, or nothing to do.</summary>
    Done = 0,

    /// <summary>Failed, and no other code fits. <c>diff</c>: there are differences.</summary>
    Failed = 1,

    /// <summary>Wrong usage. <c>diff</c>: trouble.</summary>
    Usage = 2,

    /// <summary>Finished in part.</summary>
    Partial = 3,

    /// <summary>Done, and a reboot is needed (only with <c>--reboot-exit-code</c>).</summary>
    RebootNeeded = 4,

    /// <summary>Nothing to confirm or roll back.</summary>
    NothingToSteer = 5,

    /// <summary>No store here.</summary>
    NoStore = 10,

    /// <summary>Another process holds the lock.</summary>
    Locked = 11,

    /// <summary>Not authorised: pending, rejected, bad token.</summary>
    NotAuthorised = 12,

    /// <summary>The server cannot be reached.</summary>
    Unreachable = 13,

    /// <summary>A hash, signature or sequence is wrong.</summary>
    VerificationFailed = 14,

    /// <summary>Not enough space or inodes.</summary>
    NoSpace = 15,

    /// <summary>Held, denied or wrong hardware.</summary>
    Held = 16,

    /// <summary>No such branch, commit or path.</summary>
    NotFound = 17,

    /// <summary>The branch moved, or another conflict.</summary>
    Conflict = 18,

    /// <summary>The selector found nothing to boot.</summary>
    Rescue = 20,

    /// <summary>Nothing changed (only with <c>--unchanged-exit-77</c>).</summary>
    Unchanged = 77,

    /// <summary>Cancelled by a signal.</summary>
    Cancelled = 130,
}
