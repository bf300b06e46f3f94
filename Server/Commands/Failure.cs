using System.Net.Sockets;
using ContentTree.Server.Backups;
using ContentTree.Server.Client;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Follows;
using ContentTree.Server.Publishing;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;
using Microsoft.Data.Sqlite;

namespace ContentTree.Server.Commands;

/// <summary>How a verb ends that could not do its work.</summary>
internal sealed record Failure(ExitCode Code, string Message)
{
    private const int SqliteBusy = 5;
    private const int SqliteLocked = 6;
    private const int SqliteFull = 13;

    public static Failure Of(Exception e) => e switch
    {
        OperationCanceledException => new(ExitCode.Cancelled, "cancelled"),
        UsageException or ArgumentException => new(ExitCode.Usage, e.Message),
        StoreNotFoundException => new(ExitCode.NoStore, e.Message),
        StoreLockedException => new(ExitCode.Locked, e.Message),
        RemoteProblemException remote => new(remote.Problem.ExitCode, e.Message),
        DamagedSourceException => new(ExitCode.VerificationFailed, e.Message),
        SourceUnreachableException => new(ExitCode.Unreachable, e.Message),
        HttpRequestException => new(ExitCode.Unreachable, $"the server cannot be reached: {e.Message}"),
        VerificationException or CorruptObjectException => new(ExitCode.VerificationFailed, $"{e.Message}; 'ctree-server fsck' lists all damage"),
        DamagedBackupException => new(ExitCode.VerificationFailed, e.Message),
        DirectoryTakenException => new(ExitCode.Conflict, e.Message),
        PrivilegeRefusedException or BranchProtectedException => new(ExitCode.NotAuthorised, e.Message),
        NotFoundException or ObjectNotFoundException => new(ExitCode.NotFound, e.Message),
        KeysElsewhereException => new(ExitCode.Partial, e.Message),
        BranchMovedException or FleetConflictException => new(ExitCode.Conflict, e.Message),
        _ when IsOutOfSpace(e) => new(ExitCode.NoSpace, $"{e.Message}; nothing was published, make room and try again"),
        SqliteException { SqliteErrorCode: SqliteBusy or SqliteLocked } => new(ExitCode.Locked, "server.db is in use by another process; try again"),
        DeltaCheckException => new(ExitCode.Failed, e.Message),
        SocketException => new(ExitCode.Failed, $"{e.Message}; choose another address with --urls"),
        UnsupportedSourceException or SourceChangedException or IncompleteCommitException or IOException or UnauthorizedAccessException
            or FormatException or SqliteException => new(ExitCode.Failed, e.Message),
        _ => new(ExitCode.Failed, $"this is a bug, please report it: {e}"),
    };

    /// <summary>Whether the disk, a quota or the inodes ran out, wherever that was noticed.</summary>
    public static bool IsOutOfSpace(Exception e) => e switch
    {
        PosixException posix => posix.IsOutOfSpace,
        SqliteException sqlite => sqlite.SqliteErrorCode == SqliteFull,
        IOException { HResult: Posix.ENOSPC or Posix.EDQUOT } => true,
        _ => false,
    };
}

/// <summary>Arguments that are each well formed but make no sense together.</summary>
internal sealed class UsageException(string message) : Exception(message);
