namespace ContentTree.Store.Trust;

/// <summary>A statement was refused. Programs end with exit code 14.</summary>
public sealed class VerificationException(string statement, VerificationFailure failure, string reason)
    : Exception($"{statement}: {reason}")
{
    /// <summary>Which statement, for instance "head of stable/amd64".</summary>
    public string Statement { get; } = statement;

    /// <summary>The rule it broke.</summary>
    public VerificationFailure Failure { get; } = failure;
}
