namespace ContentTree.Store.Protocol;

/// <summary>What a device is made of and how full it is, as far as it says so. It tells it again only when something has changed noticeably.</summary>
/// <param name="Agent">The version of its agent.</param>
/// <param name="Kernel">The release of the kernel that runs.</param>
/// <param name="Memory">Bytes of memory.</param>
/// <param name="Size">Bytes of the filesystem that holds the store.</param>
/// <param name="Free">Bytes that are free there.</param>
/// <param name="Inodes">Files that there is still room for; absent where the filesystem does not count them.</param>
public sealed record DeviceInventory(string? Agent = null, string? Kernel = null, long? Memory = null, long? Size = null, long? Free = null, long? Inodes = null);
