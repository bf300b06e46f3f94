namespace ContentTree.Tests.Agent;

/// <summary>A network interface as the kernel shows it below <c>/sys/class/net</c>.</summary>
internal static class FakeInterface
{
    /// <param name="device">The last name of its device's place; null where it has none.</param>
    /// <param name="carrier">"1", "0", or null where it cannot be read.</param>
    public static void Put(string path, string? device, string? carrier, string flags = "0x1003", string port = "0")
    {
        Directory.CreateDirectory(path);
        var link = Path.Combine(path, "device");
        File.Delete(link);
        if (device is not null)
            File.CreateSymbolicLink(link, "../../../" + device);
        File.WriteAllText(Path.Combine(path, "flags"), flags + "\n");
        File.WriteAllText(Path.Combine(path, "dev_port"), port + "\n");
        File.Delete(Path.Combine(path, "carrier"));
        if (carrier is not null)
            File.WriteAllText(Path.Combine(path, "carrier"), carrier + "\n");
    }
}
