namespace ContentTree.Store;

/// <summary>What a directory entry is.</summary>
public enum FileType
{
    Fifo = 1,
    CharacterDevice = 2,
    Directory = 4,
    BlockDevice = 6,
    Regular = 8,
    Symlink = 10,
    Socket = 12,
}

/// <summary>An inode as statx(2) shows it. Times are nanoseconds since 1970. A sealed one has fs-verity.</summary>
public readonly record struct FileStat(
    FileType Type,
    int Permissions,
    uint Uid,
    uint Gid,
    long Size,
    long Blocks,
    uint Links,
    ulong Inode,
    uint DeviceMajor,
    uint DeviceMinor,
    uint RdevMajor,
    uint RdevMinor,
    long ModifiedNanoseconds,
    long ChangedNanoseconds,
    bool IsSealed = false)
{
    /// <summary>Whether both describe the same inode in the same state, as far as a stat can tell.</summary>
    public bool IsUnchangedSince(in FileStat earlier) =>
        Inode == earlier.Inode && Size == earlier.Size && ModifiedNanoseconds == earlier.ModifiedNanoseconds &&
        ChangedNanoseconds == earlier.ChangedNanoseconds && DeviceMajor == earlier.DeviceMajor && DeviceMinor == earlier.DeviceMinor;
}
