using ContentTree.Store.Protocol;

namespace ContentTree.Deploy;

/// <summary>A command ends here on purpose: the message says what failed, on what, and what to do.</summary>
internal sealed class StoppedException(ExitCode code, string message) : Exception(message)
{
    public ExitCode Code { get; } = code;
}
