using ContentTree.BootFile;
using static ContentTree.Tests.Boot.BootSamples;

namespace ContentTree.Tests.Boot;

/// <summary>The list of what a deployment takes from the device's data: written by the agent, read by a selector that nothing may stop.</summary>
public class DataPathsTests
{
    [Theory]
    [InlineData("opt/logs")]
    [InlineData("srv", "home", "usr/local", "opt/a", "opt/ab", "boot/keep")]
    [InlineData("opt/Größe")]
    public void Paths_of_directories_may_be_declared(params string[] paths) => DataPaths.Problem(paths).Should().BeEmpty();

    [Theory]
    [InlineData("/srv", "no path below the root")]
    [InlineData("srv/", "no path below the root")]
    [InlineData("a//b", "no path below the root")]
    [InlineData("../srv", "no path below the root")]
    [InlineData("opt/./x", "no path below the root")]
    [InlineData("a\nb", "no path below the root")]
    [InlineData("a\0b", "no path below the root")]
    [InlineData("etc", "never the device's own data")]
    [InlineData("etc/ssl", "never the device's own data")]
    [InlineData("var/lib", "never the device's own data")]
    [InlineData("proc", "never the device's own data")]
    [InlineData("ctree/data", "never the device's own data")]
    [InlineData("usr", "never the device's own data")]
    [InlineData("configuration", "something else")]
    [InlineData(".new-data", "something else")]
    public void What_would_leave_the_root_or_hide_what_a_boot_needs_may_not(string path, string why) =>
        DataPaths.Problem([path]).Should().Contain(why);

    [Theory]
    [InlineData("srv", "srv")]
    [InlineData("opt/logs", "opt")]
    [InlineData("opt", "opt/logs/old")]
    public void None_is_below_another_one(string first, string second) =>
        DataPaths.Problem([first, second]).Should().Contain("the same or one below the other");

    [Fact]
    public void Too_many_and_too_long_ones_are_refused()
    {
        DataPaths.Problem([.. Enumerable.Range(0, 33).Select(i => $"p{i}")]).Should().Contain("32 are the most");
        DataPaths.Problem([new string('a', 256)]).Should().NotBeEmpty();
        DataPaths.Problem([string.Join('/', Enumerable.Repeat("aaaaaaaaa", 60))]).Should().Contain("longer than 512 bytes");
    }

    [Fact]
    public void What_is_written_is_read_and_any_other_list_is_none()
    {
        using var directory = new TemporaryDirectory();
        var layout = new DeviceLayout(directory.Path);
        Directory.CreateDirectory(layout.Deployments);
        var path = layout.DataPaths(Name(1));
        DataPaths.Read(layout, Name(1)).Should().BeEmpty("there is none");
        File.WriteAllText(path, DataPaths.Format(["opt/logs", "srv"]));
        DataPaths.Read(layout, Name(1)).Should().Equal("opt/logs", "srv");
        foreach (var damaged in new[] { "", "srv", "srv\n\n", "srv\n../etc\n", "\n", new string('a', 100_000) + "\n" })
        {
            File.WriteAllText(path, damaged);
            DataPaths.Read(layout, Name(1)).Should().BeEmpty();
        }
    }
}
