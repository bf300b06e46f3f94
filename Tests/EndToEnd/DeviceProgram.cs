using System.Text.Json.Nodes;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>The native <c>ctree</c> as it is shipped: put into trees, and run on roots of devices.</summary>
internal static class DeviceProgram
{
    private static readonly string Ctree = BuiltProgram.Find("ctree", "Deploy", "Store", "BootSelector/BootFile");

    /// <summary>Standard output of a command on a root.</summary>
    public static string Run(string root, params string[] words) => Programs.Run(root, Ctree, ["--root", root, .. words]);

    /// <summary>The program with its library and units, which are switched on.</summary>
    public static void InstallInto(string tree, params string[] units)
    {
        foreach (var file in new[] { "ctree", "libMonoPosixHelper.so" })
            File.Copy(Path.Combine(Path.GetDirectoryName(Ctree)!, file), Path.Combine(tree, "usr/lib/ctree", file));
        File.CreateSymbolicLink(Path.Combine(tree, "usr/bin/ctree"), "../lib/ctree/ctree");
        InstallUnits(tree, units);
    }

    /// <summary>Units of packaging/systemd, switched on.</summary>
    public static void InstallUnits(string tree, params string[] units)
    {
        foreach (var unit in units)
            File.Copy(Path.Combine(BootSamples.Repository, "packaging/systemd", unit), Path.Combine(tree, "usr/lib/systemd/system", unit));
        Programs.Run(tree, "chroot", [tree, "systemctl", "--quiet", "enable", .. units]);
    }

    /// <summary>Sets a root up for the branch "main", takes its commit, and adapts the configuration to a virtual machine; the device's id.</summary>
    public static string Provision(string root, UpdateServer server, string config)
    {
        Run(root, "init", "--server", server.Address.ToString(), "--branch", "main", "--trust", server.TrustRoot, "--token", server.Run("token", "create", "--enrol").Trim());
        Run(root, "update");
        var file = Path.Combine(root, "ctree/agent.conf");
        // From inside the machine, the host's loopback has this address.
        var text = File.ReadAllText(file).Replace("http://127.0.0.1:", "http://10.0.2.2:", StringComparison.Ordinal);
        File.WriteAllText(file, $"{text}\n[server]\nallow-http = true\n\n[poll]\ninterval = 5s\nretry-min = 2s\nretry-max = 5s\n\n{config}");
        return JsonNode.Parse(Run(root, "--json", "status"))!["device"]!.GetValue<string>();
    }

    /// <summary>An ext4 image of a root.</summary>
    public static void MakeDisk(string disk, string root)
    {
        Programs.Run("/", "truncate", "-s", "1200M", disk);
        Programs.Run("/", "mkfs.ext4", "-q", "-F", "-d", root, disk);
    }
}
