using ContentTree.BootFile;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>A device's disk before it is an image: the physical root with hand-made deployments of one static program.</summary>
internal sealed class DeviceDisk : IDisposable
{
    private readonly TemporaryDirectory _directory;

    /// <param name="below">Where its directory is made: on the file system that trees are linked from.</param>
    public DeviceDisk(string? below = null)
    {
        _directory = new TemporaryDirectory(below);
        Root = _directory["root"];
        Layout = new DeviceLayout(Root);
        foreach (var path in new[] { Layout.Deployments, Layout.Boot, Layout.State, Layout.Var })
            Directory.CreateDirectory(path);
        Slots = new BootSlots(Layout.Boot);
        Slots.Create();
    }

    public string Root { get; }

    public DeviceLayout Layout { get; }

    public BootSlots Slots { get; }

    /// <summary>Adds a complete deployment whose init is this shell script; null leaves init out.</summary>
    public DeploymentName Add(ulong number, string? init)
    {
        var name = BootSamples.Name(number);
        var tree = Layout.Deployment(name);
        foreach (var place in new[] { "bin", "sbin", "etc", "ctree", "proc", "sys", "dev", "run", "tmp", "var" })
            Directory.CreateDirectory(Path.Combine(tree, place));
        File.Copy("/bin/busybox", Path.Combine(tree, "bin/busybox"));
        File.CreateSymbolicLink(Path.Combine(tree, "bin/sh"), "busybox");
        if (init is not null)
            WriteScript(Path.Combine(tree, "sbin/init"), init);
        Directory.CreateDirectory(Layout.Etc(name));
        File.WriteAllText(Path.Combine(Layout.Etc(name), "hostname"), $"device-{number}\n");
        File.WriteAllText(Layout.Marker(name), BootSamples.Complete(number).Marker.Format());
        return name;
    }

    /// <summary>Adds a complete deployment of a whole system: linked files, its own copy of /etc, its /var as the data.</summary>
    public DeploymentName AddTree(ulong number, string tree)
    {
        var name = BootSamples.Name(number);
        Programs.Run(Root, "cp", "-al", tree, Layout.Deployment(name));
        Directory.CreateDirectory(Path.Combine(Layout.Deployment(name), "ctree"));
        Programs.Run(Root, "cp", "-a", Path.Combine(tree, "etc"), Layout.Etc(name));
        Programs.Run(Root, "cp", "-a", Path.Combine(tree, "var") + "/.", Layout.Var);
        File.WriteAllText(Layout.Marker(name), BootSamples.Complete(number).Marker.Format());
        return name;
    }

    /// <summary>Makes an ext4 image with this content.</summary>
    public string ToImage(string path, int megabytes = 64)
    {
        Programs.Run(_directory.Path, "truncate", "-s", $"{megabytes}M", path);
        Programs.Run(_directory.Path, "mkfs.ext4", "-q", "-F", "-L", "ctree-root", "-d", Root, path);
        return path;
    }

    public void Dispose() => _directory.Dispose();

    private static void WriteScript(string path, string text)
    {
        File.WriteAllText(path, "#!/bin/sh\nPATH=/bin\n" + text);
        Programs.Run("/", "chmod", "755", path);
    }
}
