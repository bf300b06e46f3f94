namespace ContentTree.Tests.Deploy;

/// <summary>Paths that the configuration declares as the device's own: filled once, mount points made, and never a reason for damage.</summary>
public sealed class DataPathTests : IAsyncLifetime
{
    private TestServer _server = null!;
    private TestDevice _device = null!;

    private string Data => Path.Combine(_device.Root, "ctree/data");

    public async Task InitializeAsync()
    {
        _server = await TestServer.StartAsync();
        _device = await TestDevice.EnrolledAsync(_server);
    }

    public async Task DisposeAsync()
    {
        _device.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task Each_is_filled_once_has_its_mount_point_and_is_told_to_the_selector()
    {
        _device.Configure("[deploy]\ndata = opt/logs, srv/a/b\n");
        _server.Publish("mkdir -p usr opt/logs/old; echo first > opt/logs/old/note; echo x > opt/x");
        await _device.TakeAsync();

        File.ReadAllText(Path.Combine(Data, "opt/logs/old/note")).Should().Be("first\n");
        Directory.GetFileSystemEntries(Path.Combine(Data, "srv/a/b")).Should().BeEmpty();
        var name = _device.Deployments().Single();
        var tree = Path.Combine(_device.Layout.Deployments, name);
        File.ReadAllText(tree + ".data").Should().Be("opt/logs\nsrv/a/b\n");
        Directory.Exists(Path.Combine(tree, "srv/a/b")).Should().BeTrue();
        foreach (var directory in new[] { "", "opt", "opt/logs", "srv", "srv/a", "srv/a/b" })
            Directory.GetLastWriteTimeUtc(Path.Combine(tree, directory)).Should().Be(DateTime.UnixEpoch.AddSeconds(1), directory);
        (await _device.RunAsync("verify")).Code.Should().Be(0, "what was made for the data belongs there");
        File.WriteAllText(Path.Combine(tree, "opt/other"), "");
        (await _device.RunAsync("verify")).Code.Should().Be(14);
        File.Delete(Path.Combine(tree, "opt/other"));
        File.SetLastWriteTimeUtc(Path.Combine(tree, "opt"), DateTime.UnixEpoch.AddSeconds(1));

        File.WriteAllText(Path.Combine(Data, "opt/logs/own"), "mine");
        _server.Publish("mkdir -p usr opt/logs; echo second > opt/logs/late");
        await _device.TakeAsync();
        Directory.GetFileSystemEntries(Path.Combine(Data, "opt/logs")).Select(Path.GetFileName).Should().BeEquivalentTo("old", "own");
    }

    [Fact]
    public async Task Another_list_makes_another_deployment_of_the_same_commit_and_goes_with_it()
    {
        var commit = _server.Publish("mkdir usr");
        await _device.TakeAsync();
        _device.Configure("[deploy]\ndata = srv\n");
        (await _device.RunAsync("deploy", commit.ToString())).Code.Should().Be(0);
        (await _device.RunAsync("deploy", commit.ToString())).Code.Should().Be(0);
        _device.Deployments().Should().HaveCount(2);
        Directory.GetFiles(_device.Layout.Deployments, "*.data").Should().ContainSingle().Which.Should().Contain("/2-");

        _device.BootNow();
        (await _device.RunAsync("rollback")).Code.Should().Be(0);
        _device.BootNow().Should().StartWith("1-");
        ContentTree.Deploy.Deployments.DeploymentRemover.Remove(_device.Layout, ContentTree.BootFile.DeploymentName.Parse(_device.Deployments().Last()));
        Directory.GetFiles(_device.Layout.Deployments, "*.data").Should().BeEmpty();
    }

    [Theory]
    [InlineData("/srv")]
    [InlineData("opt/../etc")]
    [InlineData("etc/x")]
    [InlineData("srv, srv/below")]
    public async Task A_list_that_cannot_be_used_is_a_configuration_that_cannot_be_used(string list)
    {
        _device.Configure($"[deploy]\ndata = {list}\n");
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(2);
        result.Error.Should().Contain("agent.conf:").And.Contain("deploy.data has '");
    }

    [Theory]
    [InlineData("ln -s usr opt", "/opt")]
    [InlineData("mkdir opt; ln -s /etc opt/logs", "/opt/logs")]
    [InlineData("mkdir opt; echo x > opt/logs", "/opt/logs")]
    public async Task A_tree_with_something_else_on_the_way_is_refused_before_anything_is_written(string script, string place)
    {
        _device.Configure("[deploy]\ndata = opt/logs\n");
        _server.Publish($"mkdir usr; {script}");
        var result = await _device.RunAsync("update");
        result.Code.Should().Be(16);
        result.Error.Should().Contain($"the tree's {place} is not a directory, so 'opt/logs' of deploy.data cannot be mounted there");
        Directory.Exists(Path.Combine(Data, "opt")).Should().BeFalse();
        _device.Deployments().Should().BeEmpty();
    }
}
