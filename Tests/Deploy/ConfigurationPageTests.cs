using ContentTree.Server.Fleet.Groups;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Deploy;

/// <summary>The lines of docs/configuration.md, run as they stand there.</summary>
public sealed class ConfigurationPageTests
{
    [Fact]
    public async Task The_lines_bring_a_value_from_the_server_to_a_file_on_the_device()
    {
        await using var server = await TestServer.StartAsync();
        server.Publish("echo one > file");
        using var device = await TestDevice.EnrolledAsync(server);
        var id = server.Devices.List(1).Single().Id;
        new Groups(server.Data.OpenDatabase(), TimeProvider.System).Set(GroupName.Parse("lab"), null, $"id=={id}");
        using var folder = new TemporaryDirectory();
        File.WriteAllText(folder["password.txt"], "correct horse\n");
        var page = TestFiles.Page("configuration.md");
        var lines = TestFiles.Block(page, "## In a few lines", "sh").Replace("ctree-server", $"dotnet '{ServerProcess.Program}'", StringComparison.Ordinal)
            .Replace("0123456789abcdef", $"{id}", StringComparison.Ordinal);

        var shown = Shell.Run($"set -eu; cd '{folder.Path}'; export CTREE_SERVER_DATA='{server.Data.Path}'; {lines}");
        shown.Should().Contain("ours is back").And.MatchRegex("network.ntp +10.1.0.1 +group:lab").And.NotContain("horse");
        await device.UpdateAsync();

        Shell.Run(TestFiles.Block(page, "## On the device", "sh").Replace("/ctree/", $"{device.Root}/ctree/", StringComparison.Ordinal)).Should().Be("10.1.0.1");
        foreach (var name in Directory.GetFiles(Path.Combine(device.Root, "ctree/data/configuration/current"), "*", SearchOption.AllDirectories).Select(Path.GetFileName))
            page.Should().Contain(name, "the page names every file");
    }
}
