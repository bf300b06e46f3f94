using System.Text;
using ContentTree.Store.Objects;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// What a loader starts for a tree: its kernel, initramfs and device tree, or one signed image of them all, each bit for bit, and
/// with which words. The name is made of these alone, so that trees with equal ones share them, and other words are tried like another
/// kernel.
/// </summary>
internal sealed class BootAssets
{
    /// <summary>Hex digits of a name.</summary>
    public const int NameSize = 32;

    /// <param name="files">The tree's files by the name they get, the kernel first.</param>
    /// <param name="options">The configured kernel command line.</param>
    public BootAssets(IReadOnlyList<(string Name, TreeEntry.File File)> files, string options)
    {
        (Files, Options) = (files, options);
        var text = string.Concat(files.OrderBy(f => f.Name, StringComparer.Ordinal).Select(f => $"{f.Name} {f.File.Id}\n")) + options;
        Name = ObjectId.Of(Encoding.ASCII.GetBytes(text)).ToString()[..NameSize];
    }

    public string Name { get; }

    /// <summary>The kernel command line, without what an entry adds.</summary>
    public string Options { get; }

    public IReadOnlyList<(string Name, TreeEntry.File File)> Files { get; }

    /// <summary>Whether a text is the name of some.</summary>
    public static bool IsName(string text) => text.Length == NameSize && text.All(char.IsAsciiHexDigitLower);
}
