namespace ContentTree.BootSelector;

/// <summary>The flags of mount(2) that are used here; the same on every architecture.</summary>
[Flags]
internal enum MountFlags : ulong
{
    None = 0,
    ReadOnly = 1,
    NoSuid = 2,
    NoDev = 4,
    NoExec = 8,
    Remount = 32,
    Bind = 4096,
    Move = 8192,
    Private = 1 << 18,
}
