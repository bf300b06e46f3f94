using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// What a loader starts for a tree: its kernel, initramfs and device tree, or one signed image of them all, each bit for bit. The
/// name is made of the content alone, so that trees with equal ones share them.
/// </summary>
internal sealed class BootAssets
{
    /// <summary>Hex digits of a name.</summary>
    public const int NameSize = 32;

    /// <param name="files">The tree's files by the name they get, the kernel first.</param>
    public BootAssets(IReadOnlyList<(string Name, TreeEntry.File File)> files)
    {
        Files = files;
        var text = string.Concat(files.OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => $"{f.Name} {f.File.Id}\n"));
        Name = ObjectId.Of(Encoding.ASCII.GetBytes(text)).ToString()[..NameSize];
    }

    public string Name { get; }

    public IReadOnlyList<(string Name, TreeEntry.File File)> Files { get; }

    /// <summary>Whether a text is the name of some.</summary>
    public static bool IsName(string text) => text.Length == NameSize && text.All(char.IsAsciiHexDigitLower);
}
