namespace ContentTree.Store.Protocol;

/// <summary>What is the same for all problems of one code.</summary>
/// <param name="Code">The stable code.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="ExitCode">What a program that gets it ends with.</param>
/// <param name="Title">A few words for people.</param>
public sealed record ProblemKind(string Code, int Status, ExitCode ExitCode, string Title);
