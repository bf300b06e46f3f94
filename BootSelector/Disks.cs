using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>Finds block devices as the kernel's command line names them: a path, <c>UUID=</c> or <c>LABEL=</c>.</summary>
internal static class Disks
{
    private const int DefaultWaitSeconds = 30;

    /// <summary>The device's path; waits up to <c>ctree.rootwait=</c> seconds, because disks appear late.</summary>
    /// <exception cref="IOException">It did not appear.</exception>
    public static string Wait(string name, KernelCommandLine commandLine)
    {
        var seconds = commandLine.Seconds("ctree.rootwait", DefaultWaitSeconds);
        for (var tenths = seconds * 10; tenths >= 0; tenths--)
        {
            if (Find(name) is { } path)
                return path;
            Thread.Sleep(100);
        }
        throw new IOException($"no disk {name} after {seconds} s; there is {string.Join(", ", Names().ToArray())}");
    }

    private static string? Find(string name)
    {
        if (name.StartsWith("UUID=", StringComparison.Ordinal))
            return FindBy(block => string.Equals(block.Uuid, name[5..], StringComparison.OrdinalIgnoreCase));
        if (name.StartsWith("LABEL=", StringComparison.Ordinal))
            return FindBy(block => block.Label == name[6..]);
        return Kernel.StatusOf(name) is null ? null : name;
    }

    private static string? FindBy(Func<Superblock, bool> match)
    {
        foreach (var name in Names())
        {
            var path = "/dev/" + name.Replace('!', '/');
            if (Superblock.Read(path) is { } block && match(block))
                return path;
        }
        return null;
    }

    private static List<string> Names()
    {
        var names = new List<string>();
        try
        {
            foreach (var path in Directory.GetFileSystemEntries("/sys/class/block"))
            {
                if (Path.GetFileName(path) is var name && HasContent(name))
                    names.Add(name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Without /sys there are no names to go by.
        }
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    private static bool HasContent(string name) =>
        RegularFile.ReadUnsized($"/sys/class/block/{name}/size").Trim() is not ("" or "0");
}
