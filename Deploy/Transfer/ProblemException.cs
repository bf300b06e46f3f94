using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Transfer;

/// <summary>The server refused a request and said why.</summary>
internal sealed class ProblemException(Problem problem, Uri address)
    : Exception($"{address.GetLeftPart(UriPartial.Authority)}: {problem.Title}{(problem.Detail is null ? "" : $": {problem.Detail}")}")
{
    public Problem Problem { get; } = problem;
}
