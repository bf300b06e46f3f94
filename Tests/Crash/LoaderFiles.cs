using System.Text.RegularExpressions;
using ContentTree.BootFile;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>What a boot loader finds on the boot partition, and what it would start.</summary>
/// <param name="Text">Every file but the slots, by name, with its content; U-Boot's variables.</param>
/// <param name="Starts">Kernels that the loader's default names.</param>
/// <param name="Whole">Kernels whose files are all there.</param>
internal sealed partial record LoaderFiles(string Text, IReadOnlyList<string> Starts, IReadOnlyList<string> Whole)
{
    public static LoaderFiles Of(string root)
    {
        var boot = new DeviceLayout(root).Boot;
        var files = Directory.GetFiles(boot, "*", SearchOption.AllDirectories).Where(path => !Path.GetFileName(path).StartsWith("boot.", StringComparison.Ordinal))
            .Order(StringComparer.Ordinal).ToDictionary(path => Path.GetRelativePath(boot, path), File.ReadAllText);
        var variables = File.Exists(Path.Combine(root, "env.a")) ? Shell.Run($"fw_printenv -c '{root}/etc/fw_env.config' | sort") : "";
        var defaults = files.Where(file => file.Key is "extlinux/extlinux.conf" or "loader/loader.conf" or "grub/grubenv").Select(file => file.Value).Append(variables);
        return new LoaderFiles(
            string.Concat(files.Select(file => $"{file.Key}\n{file.Value}\n")) + variables,
            [.. defaults.SelectMany(text => Default().Matches(text)).Select(match => match.Groups[1].Value).Distinct()],
            [.. files.Keys.Where(name => name.StartsWith("ctree/", StringComparison.Ordinal)).GroupBy(name => Path.GetFileName(name).Split('-')[0])
                .Where(group => group.Count(name => name.EndsWith("-vmlinuz", StringComparison.Ordinal) || name.EndsWith("-initrd", StringComparison.Ordinal)) == 2)
                .Select(group => group.Key)]);
    }

    /// <summary>A loader is never pointed at a kernel of which a part is missing, or at none.</summary>
    public void CheckStarts(LoaderFiles before, LoaderFiles after)
    {
        Starts.Should().BeSubsetOf(before.Starts.Union(after.Starts), "old or new");
        if (before.Starts.Count > 0 && after.Starts.Count > 0)
            Starts.Should().NotBeEmpty("something is started");
        Starts.Should().BeSubsetOf(Whole, "what is started is there");
    }

    [GeneratedRegex(@"(?:DEFAULT |default |saved_entry=|ctree_entry=)ctree-([0-9a-f]+)")]
    private static partial Regex Default();
}
