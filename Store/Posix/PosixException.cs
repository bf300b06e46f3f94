namespace ContentTree.Store;

/// <summary>A system call failed; the message names the call's subject and the kernel's reason.</summary>
public sealed class PosixException(string subject, int errno)
    : IOException($"{subject}: {Mono.Unix.UnixMarshal.GetErrorDescription(Mono.Unix.Native.NativeConvert.ToErrno(errno)).ToLowerInvariant()}")
{
    /// <summary>The kernel's error number.</summary>
    public int Errno { get; } = errno;

    /// <summary>No space, no quota or no inodes left.</summary>
    public bool IsOutOfSpace => Errno is Posix.ENOSPC or Posix.EDQUOT;
}
