using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>A request is refused: becomes the answer's problem details.</summary>
/// <param name="retryAfter">When to try again, for problems that pass.</param>
internal sealed class ProblemException(string code, string? detail = null, long? time = null, TimeSpan? retryAfter = null) : Exception(detail ?? code)
{
    public Problem Problem { get; } = Problem.Of(code, detail, time);

    public TimeSpan? RetryAfter { get; } = retryAfter;
}
