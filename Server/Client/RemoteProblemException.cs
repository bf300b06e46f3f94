using ContentTree.Store.Protocol;

namespace ContentTree.Server.Client;

/// <summary>A server refused; the problem's code decides how the program ends.</summary>
internal sealed class RemoteProblemException(Problem problem)
    : Exception(problem.Detail is null ? $"the server refused: {problem.Title}" : $"the server refused: {problem.Title}: {problem.Detail}")
{
    public Problem Problem { get; } = problem;
}
