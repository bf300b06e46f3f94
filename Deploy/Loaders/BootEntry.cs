using System.Text;
using ContentTree.Deploy.Config;

namespace ContentTree.Deploy.Loaders;

/// <summary>How a loader starts one kernel: written in the words of the loaders that read entries.</summary>
/// <param name="assets">What it starts.</param>
/// <param name="prefix">The boot directory as the loader sees it: "" when it is the top of its partition.</param>
internal sealed class BootEntry(BootAssets assets, string prefix)
{
    private const string Prefix = "ctree-";

    /// <summary>The kernel's assets.</summary>
    public BootAssets Assets => assets;

    /// <summary>What loaders know it by.</summary>
    public string Id => IdOf(assets.Name);

    /// <summary>The kernel command line. It names the kernel and never a deployment: that is the selector's to choose and to count.</summary>
    public string Options => $"{assets.Options} ctree.assets={assets.Name}".TrimStart();

    public static string IdOf(string assets) => Prefix + assets;

    /// <summary>The assets an entry's name speaks of, or null when it is none of ours.</summary>
    public static string? AssetsOf(string id) =>
        id.StartsWith(Prefix, StringComparison.Ordinal) && BootAssets.IsName(id[Prefix.Length..]) ? id[Prefix.Length..] : null;

    /// <summary>An entry of the Boot Loader Specification, type 1.</summary>
    /// <param name="version">Sorts entries: the highest first.</param>
    public byte[] ToSpecification(long version)
    {
        var text = new StringBuilder($"title ContentTree {assets.Name[..8]}\nversion {version}\nsort-key ctree\n");
        text.Append(Has("linux.efi") ? $"efi {PathOf("linux.efi")}\n" : $"linux {PathOf(Kernel)}\n");
        if (Has("initrd"))
            text.Append($"initrd {PathOf("initrd")}\n");
        if (Has("dtb"))
            text.Append($"devicetree {PathOf("dtb")}\n");
        return Encoding.ASCII.GetBytes(text.Append($"options {Options}\n").ToString());
    }

    /// <summary>Whether a text is such an entry of a kernel, from its first word to its last.</summary>
    public static bool IsSpecification(string text, string assets) =>
        text.StartsWith("title ", StringComparison.Ordinal) && text.EndsWith($"ctree.assets={assets}\n", StringComparison.Ordinal);

    /// <summary>A label for extlinux and for U-Boot, which reads the same files.</summary>
    public byte[] ToExtlinux()
    {
        var text = new StringBuilder($"LABEL {Id}\n  LINUX {PathOf(Kernel)}\n");
        if (Has("initrd"))
            text.Append($"  INITRD {PathOf("initrd")}\n");
        if (Has("dtb"))
            text.Append($"  FDT {PathOf("dtb")}\n");
        return Encoding.ASCII.GetBytes(text.Append($"  APPEND {Options}\n").ToString());
    }

    /// <summary>A piece of GRUB script that loads it.</summary>
    public byte[] ToGrub()
    {
        if (Has("linux.efi"))
            return Encoding.ASCII.GetBytes($"chainloader '{PathOf("linux.efi")}' {Quoted(Options)}\n");
        var text = new StringBuilder($"linux '{PathOf(Kernel)}' {Quoted(Options)}\n");
        if (Has("initrd"))
            text.Append($"initrd '{PathOf("initrd")}'\n");
        if (Has("dtb"))
            text.Append($"devicetree '{PathOf("dtb")}'\n");
        return Encoding.ASCII.GetBytes(text.ToString());
    }

    /// <summary>The kernel words that all of these languages take as they are.</summary>
    /// <exception cref="ConfigException">There is something else in them.</exception>
    public static string CheckedOptions(string options) => options.All(c => c is >= ' ' and <= '~' and not ('\'' or '"' or '\\'))
        ? options
        : throw new ConfigException("boot.options", "kernel words with quotes, backslashes or control characters mean something else to every loader");

    private string Kernel => assets.Files[0].Name;

    private bool Has(string name) => assets.Files.Any(f => f.Name == name);

    private string PathOf(string name) => $"{prefix}/{AssetsDirectory.PathOf(assets.Name, name)}";

    private static string Quoted(string words) => string.Join(' ', words.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => $"'{word}'"));
}
