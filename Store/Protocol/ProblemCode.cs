using System.Collections.Frozen;

namespace ContentTree.Store.Protocol;

/// <summary>The stable codes of refused requests, and what each means for HTTP and for the exit code: one table.</summary>
public static class ProblemCode
{
    /// <summary>The request cannot be read.</summary>
    public const string BadRequest = "bad-request";

    /// <summary>The device's signature does not fit, or it signed something else.</summary>
    public const string BadSignature = "bad-signature";

    /// <summary>The request was signed at another time than the server's; <see cref="Problem.Time"/> says which.</summary>
    public const string Clock = "clock";

    /// <summary>The same signed request again.</summary>
    public const string Replay = "replay";

    /// <summary>No token, or none that is known.</summary>
    public const string BadToken = "bad-token";

    /// <summary>The token's role does not allow it.</summary>
    public const string Forbidden = "forbidden";

    /// <summary>Nobody has enrolled with this key.</summary>
    public const string DeviceUnknown = "device-unknown";

    /// <summary>The device waits to be accepted.</summary>
    public const string DevicePending = "device-pending";

    /// <summary>The device was turned away.</summary>
    public const string DeviceRejected = "device-rejected";

    /// <summary>No such branch, commit, object or device.</summary>
    public const string NotFound = "not-found";

    /// <summary>The path is there, but not for this method; <c>Allow</c> lists those it has.</summary>
    public const string BadMethod = "bad-method";

    /// <summary>The branch is not where the publisher saw it.</summary>
    public const string BranchMoved = "branch-moved";

    /// <summary>Something else stands in the way.</summary>
    public const string Conflict = "conflict";

    /// <summary>Another that must be alone is under way.</summary>
    public const string Locked = "locked";

    /// <summary>What is to be edited is not what the editor saw (<c>If-Match</c>).</summary>
    public const string Changed = "changed";

    /// <summary>Everything is there but the release keys' signatures, which this server does not make.</summary>
    public const string NotSigned = "unsigned";

    /// <summary>The commit needs objects that were not uploaded.</summary>
    public const string Incomplete = "incomplete";

    /// <summary>An uploaded object has another hash than its name, or is not of its kind.</summary>
    public const string BadObject = "bad-object";

    /// <summary>The body is too large.</summary>
    public const string TooLarge = "too-large";

    /// <summary>Too many requests; <c>Retry-After</c> says when.</summary>
    public const string TooMany = "too-many";

    /// <summary>The server's disk is full.</summary>
    public const string NoSpace = "no-space";

    /// <summary>Try later.</summary>
    public const string Unavailable = "unavailable";

    /// <summary>The server failed.</summary>
    public const string Internal = "internal";

    /// <summary>Every code.</summary>
    public static IReadOnlyList<ProblemKind> All { get; } =
    [
        new(BadRequest, 400, ExitCode.Failed, "the request cannot be read"),
        new(BadSignature, 401, ExitCode.NotAuthorised, "the request's signature is wrong"),
        new(Clock, 401, ExitCode.NotAuthorised, "signed at another time than the server's"),
        new(Replay, 401, ExitCode.NotAuthorised, "this signed request was used before"),
        new(BadToken, 401, ExitCode.NotAuthorised, "no valid token"),
        new(Forbidden, 403, ExitCode.NotAuthorised, "the token does not allow this"),
        new(DeviceUnknown, 401, ExitCode.NotAuthorised, "no device has this key"),
        new(DevicePending, 403, ExitCode.NotAuthorised, "the device waits to be accepted"),
        new(DeviceRejected, 403, ExitCode.NotAuthorised, "the device was rejected"),
        new(NotFound, 404, ExitCode.NotFound, "not found"),
        new(BadMethod, 405, ExitCode.Failed, "not a method of this path"),
        new(BranchMoved, 409, ExitCode.Conflict, "the branch moved"),
        new(Conflict, 409, ExitCode.Conflict, "in conflict with the present state"),
        new(Locked, 423, ExitCode.Locked, "something else holds it"),
        new(Changed, 412, ExitCode.Conflict, "changed since it was looked at"),
        new(NotSigned, 409, ExitCode.Partial, "the head waits for signatures"),
        new(Incomplete, 409, ExitCode.Failed, "objects are missing"),
        new(BadObject, 422, ExitCode.VerificationFailed, "the object is not what its name says"),
        new(TooLarge, 413, ExitCode.Failed, "too large"),
        new(TooMany, 429, ExitCode.Unreachable, "too many requests"),
        new(NoSpace, 507, ExitCode.NoSpace, "the server has no space left"),
        new(Unavailable, 503, ExitCode.Unreachable, "the server cannot answer now"),
        new(Internal, 500, ExitCode.Failed, "the server failed"),
    ];

    private static readonly FrozenDictionary<string, ProblemKind> ByCode = All.ToFrozenDictionary(k => k.Code);

    /// <summary>What a code means; one from a newer server counts as <see cref="Internal"/>.</summary>
    public static ProblemKind Find(string code) => ByCode.TryGetValue(code, out var kind) ? kind : ByCode[Internal];
}
