using System.Text.Json.Serialization;

namespace ContentTree.Store.Protocol;

/// <summary>Why a request was refused: problem details of RFC 9457 with a stable code.</summary>
/// <param name="Code">One of <see cref="ProblemCode"/>: what programs decide by.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Title">The same for every problem of this code.</param>
/// <param name="Detail">What was wrong this time.</param>
/// <param name="Time">The server's time in Unix seconds, with <see cref="ProblemCode.Clock"/>: for signing requests only.</param>
public sealed record Problem(string Code, int Status, string Title, string? Detail = null, long? Time = null)
{
    /// <summary>The media type it is sent as.</summary>
    public const string MediaType = "application/problem+json";

    /// <summary>A problem of this code, with its usual status and title.</summary>
    public static Problem Of(string code, string? detail = null, long? time = null)
    {
        var kind = ProblemCode.Find(code);
        return new Problem(code, kind.Status, kind.Title, detail, time);
    }

    /// <summary>What a program that gets this ends with.</summary>
    [JsonIgnore]
    public ExitCode ExitCode => ProblemCode.Find(Code).ExitCode;
}
