using ContentTree.Deploy.Config;
using ContentTree.Deploy.Transfer;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trust;

namespace ContentTree.Deploy.Commands;

/// <summary>The one place where a failure becomes an exit code.</summary>
internal static class Outcome
{
    /// <summary>Null for a failure that nobody foresaw: a mistake in the program.</summary>
    public static ExitCode? CodeOf(Exception e) => e switch
    {
        StoppedException stopped => stopped.Code,
        ProblemException problem => problem.Problem.ExitCode,
        ServerUnreachableException => ExitCode.Unreachable,
        PausedException => ExitCode.Held,
        StoreNotFoundException => ExitCode.NoStore,
        StoreLockedException => ExitCode.Locked,
        NotFoundException => ExitCode.NotFound,
        VerificationException or CorruptObjectException or ObjectNotFoundException => ExitCode.VerificationFailed,
        PosixException { IsOutOfSpace: true } => ExitCode.NoSpace,
        ConfigException or FormatException => ExitCode.Usage,
        OperationCanceledException => ExitCode.Cancelled,
        // A library is found when it is first used, which a process with few open files may no longer manage.
        IOException or UnauthorizedAccessException or DllNotFoundException => ExitCode.Failed,
        _ => null,
    };

    public static string MessageOf(Exception e) => e switch
    {
        OperationCanceledException => "cancelled; what has arrived is kept",
        ObjectNotFoundException => $"{e.Message}: the store is damaged; 'ctree repair' fetches what is missing",
        PosixException { IsOutOfSpace: true } => $"{e.Message}; what has arrived is kept, 'ctree gc' removes old deployments",
        DllNotFoundException => e.Message.Trim().ReplaceLineEndings("; "),
        _ => e.Message,
    };
}
