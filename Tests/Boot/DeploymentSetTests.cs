using System.Diagnostics;
using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

public sealed class DeploymentSetTests : IDisposable
{
    private readonly TemporaryDirectory _root = new();
    private readonly DeviceLayout _layout;

    public DeploymentSetTests()
    {
        _layout = new DeviceLayout(_root.Path);
        Directory.CreateDirectory(_layout.Deployments);
    }

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Complete_deployments_are_found_newest_first()
    {
        foreach (ulong n in new ulong[] { 2, 10, 9 })
            Add(n);
        DeploymentSet.Scan(_layout).Should().Equal(BootSamples.Complete(10), BootSamples.Complete(9), BootSamples.Complete(2));
    }

    [Fact]
    public void What_is_not_whole_is_passed_over()
    {
        Add(1);
        Directory.CreateDirectory(_layout.Deployment(BootSamples.Name(2)));
        File.WriteAllText(_layout.Marker(BootSamples.Name(3)), BootSamples.Complete(3).Marker.Format());
        Add(4, "commit=" + BootSamples.Commit(5) + "\nassets=\n");
        Add(5, "");
        Add(6, new string('x', 5000));
        File.CreateSymbolicLink(_layout.Deployment(BootSamples.Name(7)), _layout.Deployment(BootSamples.Name(1)));
        File.WriteAllText(_layout.Marker(BootSamples.Name(7)), BootSamples.Complete(7).Marker.Format());
        File.WriteAllText(_layout.Deployment(BootSamples.Name(8)), "a file");
        File.WriteAllText(_layout.Marker(BootSamples.Name(8)), BootSamples.Complete(8).Marker.Format());
        Directory.CreateDirectory(_layout.Deployment(BootSamples.Name(9)));
        Process.Start("mkfifo", [_layout.Marker(BootSamples.Name(9))]).WaitForExit();
        Directory.CreateDirectory(Path.Combine(_layout.Deployments, ".trash-1-00000001"));

        DeploymentSet.Scan(_layout).Should().Equal(BootSamples.Complete(1));
    }

    [Fact]
    public void No_directory_is_no_deployments() =>
        DeploymentSet.Scan(new DeviceLayout(_root["nowhere"])).Should().BeEmpty();

    [Fact]
    public void A_marker_reads_what_it_writes_and_leaves_unknown_keys_alone()
    {
        var marker = new DeploymentMarker(BootSamples.Commit(3), "6.1.0-54-cloud");
        DeploymentMarker.TryParse(marker.Format() + "later=1\nnonsense\n", BootSamples.Name(3), out var read).Should().BeTrue();
        read.Should().Be(marker);
        DeploymentMarker.TryParse(marker.Format(), BootSamples.Name(4), out _).Should().BeFalse("the commit is another one");
    }

    [Fact]
    public void The_recovery_pin_is_one_name_and_anything_else_is_none()
    {
        Directory.CreateDirectory(_layout.State);
        _layout.ReadRecovery().Should().BeNull();
        File.WriteAllText(_layout.Recovery, BootSamples.Name(3) + "\n");
        _layout.ReadRecovery().Should().Be(BootSamples.Name(3));
        File.WriteAllText(_layout.Recovery, "../../etc\n");
        _layout.ReadRecovery().Should().BeNull();
    }

    private void Add(ulong number, string? marker = null)
    {
        var name = BootSamples.Name(number);
        Directory.CreateDirectory(_layout.Deployment(name));
        File.WriteAllText(_layout.Marker(name), marker ?? BootSamples.Complete(number).Marker.Format());
    }
}
