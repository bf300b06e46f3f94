namespace ContentTree.Deploy.Loaders;

/// <summary>What a kernel takes on the boot partition.</summary>
/// <param name="Directory">Where.</param>
/// <param name="Bytes">Bytes that it takes; 0 for one that is there.</param>
/// <param name="Free">Bytes that are free, and those of kernels that may go.</param>
internal sealed record BootRoom(string Directory, long Bytes, long Free)
{
    public bool IsShort => Bytes > Free;
}
