using System.Text;

namespace ContentTree.Tests.EndToEnd;

/// <summary>The smallest initramfs: the selector as /init, and the modules of the disk.</summary>
internal static class SelectorInitramfs
{
    /// <summary>Writes it to <paramref name="path"/>; further modules load after those of the disk.</summary>
    public static string Make(string path, TestKernel kernel, params string[] extraModules)
    {
        using var file = File.Create(path);
        var archive = new CpioArchive(file);
        foreach (var directory in new[] { "dev", "etc", "modules" })
            archive.Directory(directory);
        archive.File("init", File.ReadAllBytes(StaticSelector.Path), executable: true);
        var modules = kernel.ForDisks.Concat(extraModules.Select(kernel.Module)).ToArray();
        foreach (var module in modules)
            archive.File("modules/" + Path.GetFileName(module), File.ReadAllBytes(module));
        var list = string.Concat(modules.Select(module => $"/modules/{Path.GetFileName(module)}\n"));
        archive.File("etc/ctree-select.modules", Encoding.ASCII.GetBytes(list));
        archive.End();
        return path;
    }
}
