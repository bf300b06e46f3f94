using ContentTree.Deploy.Health;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Agent;

/// <summary>Whether a missing network may be the fault of a tree, seen in what the kernel tells of interfaces.</summary>
public sealed class NetworkLinksTests : IDisposable
{
    private readonly TemporaryDirectory _interfaces = new();

    private NetworkLinks Links => new(_interfaces.Path);

    public void Dispose() => _interfaces.Dispose();

    [Fact]
    public void A_device_is_known_by_its_place_whatever_its_interface_is_called()
    {
        FakeInterface.Put(_interfaces["eth0"], "0000:00:03.0", carrier: "1");
        var before = Links.Linked();
        before.Should().Equal("0000:00:03.0/0");
        Directory.Delete(_interfaces["eth0"], recursive: true);
        FakeInterface.Put(_interfaces["enp0s3"], "0000:00:03.0", carrier: "0");
        Links.AreCut(before).Should().BeTrue("the cable was pulled");
    }

    [Theory]
    [InlineData("1", "0x1003", "0", "0x1003", false, "one of the links is back")]
    [InlineData("0", "0x1003", "0", "0x1003", true, "both are cut")]
    [InlineData("0", "0x1002", "0", "0x1003", false, "a tree may lack what switches it on")]
    [InlineData(null, "0x1003", "0", "0x1003", false, "its carrier cannot be read")]
    [InlineData("0", "nonsense", "0", "0x1003", false, "what cannot be understood is no proof")]
    public void Everything_that_had_a_link_must_be_on_and_have_none(string? first, string flags, string second, string secondFlags, bool isCut, string because)
    {
        FakeInterface.Put(_interfaces["eth0"], "1-1:1.0", "1");
        FakeInterface.Put(_interfaces["wlan0"], "mmc1:0001:1", "1");
        var before = Links.Linked();
        FakeInterface.Put(_interfaces["eth0"], "1-1:1.0", first, flags);
        FakeInterface.Put(_interfaces["wlan0"], "mmc1:0001:1", second, secondFlags);
        Links.AreCut(before).Should().Be(isCut, because);
    }

    [Fact]
    public void A_device_that_is_gone_is_no_proof_and_neither_is_a_machine_that_never_had_a_link()
    {
        FakeInterface.Put(_interfaces["eth0"], "virtio0", "1");
        var before = Links.Linked();
        Directory.Delete(_interfaces["eth0"], recursive: true);
        Links.AreCut(before).Should().BeFalse("a tree may lack its driver");
        Links.AreCut([]).Should().BeFalse();
        new NetworkLinks("/nowhere").AreCut(before).Should().BeFalse();
    }

    [Fact]
    public void A_new_link_counts_and_a_bridge_does_not()
    {
        FakeInterface.Put(_interfaces["eth0"], "virtio0", "1");
        var before = Links.Linked();
        FakeInterface.Put(_interfaces["eth0"], "virtio0", "0");
        FakeInterface.Put(_interfaces["br0"], null, "1");
        Links.AreCut(before).Should().BeTrue();
        FakeInterface.Put(_interfaces["eth1"], "virtio0", "1", port: "1");
        Links.AreCut(before).Should().BeFalse();
    }

    [Fact]
    public void The_kernels_own_can_be_read() => new NetworkLinks("/sys/class/net").Linked().Should().OnlyContain(place => place.Contains('/'));
}
