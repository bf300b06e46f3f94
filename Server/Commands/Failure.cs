using System.Data.Common;
using System.Net.Sockets;
using ContentTree.Server.Backups;
using ContentTree.Server.Client;
using ContentTree.Server.Deltas;
using ContentTree.Server.Fleet;
using ContentTree.Server.Follows;
using ContentTree.Server.Publishing;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary>How a verb ends that could not do its work.</summary>
internal sealed record Failure(ExitCode Code, string Message)
{
    public static Failure Of(Exception e) => e switch
    {
        OperationCanceledException => new(ExitCode.Cancelled, "cancelled"),
        UsageException or ArgumentException => new(ExitCode.Usage, e.Message),
        StoreNotFoundException => new(ExitCode.NoStore, e.Message),
        StoreLockedException => new(ExitCode.Locked, e.Message),
        RemoteProblemException remote => new(remote.Problem.ExitCode, e.Message),
        DamagedSourceException => new(ExitCode.VerificationFailed, e.Message),
        SourceUnreachableException => new(ExitCode.Unreachable, e.Message),
        BucketException => new(ExitCode.Unreachable, e.Message),
        HttpRequestException => new(ExitCode.Unreachable, $"the server cannot be reached: {e.Message}"),
        VerificationException or CorruptObjectException => new(ExitCode.VerificationFailed, $"{e.Message}; 'ctree-server fsck' lists all damage"),
        DamagedBackupException => new(ExitCode.VerificationFailed, e.Message),
        DirectoryTakenException => new(ExitCode.Conflict, e.Message),
        PrivilegeRefusedException or BranchProtectedException => new(ExitCode.NotAuthorised, e.Message),
        NotFoundException or ObjectNotFoundException => new(ExitCode.NotFound, e.Message),
        KeysElsewhereException => new(ExitCode.Partial, e.Message),
        BranchMovedException or FleetConflictException or DatabaseTakenException => new(ExitCode.Conflict, e.Message),
        _ when IsOutOfSpace(e) => new(ExitCode.NoSpace, $"{e.Message}; nothing was published, make room and try again"),
        _ when DatabaseTrouble.IsBusy(e) => new(ExitCode.Locked, "the database is in use by another process; try again"),
        _ when DatabaseTrouble.IsAway(e) => new(ExitCode.Unreachable, $"the database that server.conf names does not answer: {e.Message}"),
        DeltaCheckException => new(ExitCode.Failed, e.Message),
        SocketException => new(ExitCode.Failed, $"{e.Message}; choose another address with --urls"),
        UnsupportedSourceException or SourceChangedException or IncompleteCommitException or IOException or UnauthorizedAccessException
            or FormatException or DbException => new(ExitCode.Failed, e.Message),
        _ => new(ExitCode.Failed, $"this is a bug, please report it: {e}"),
    };

    /// <summary>Whether the disk, a quota or the inodes ran out, wherever that was noticed.</summary>
    public static bool IsOutOfSpace(Exception e) => e switch
    {
        PosixException posix => posix.IsOutOfSpace,
        DbException database => DatabaseTrouble.IsFull(database),
        IOException { HResult: Posix.ENOSPC or Posix.EDQUOT } => true,
        _ => false,
    };
}

/// <summary>Arguments that are each well formed but make no sense together.</summary>
internal sealed class UsageException(string message) : Exception(message);
