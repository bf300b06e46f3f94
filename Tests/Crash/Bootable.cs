using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Deploy.Deployments;
using ContentTree.Store.Objects;

namespace ContentTree.Tests.Crash;

/// <summary>What the selector would start from a disk.</summary>
/// <param name="Commit">The commit it is a deployment of.</param>
/// <param name="Tree">Everything in that deployment, <see cref="TreeDigest"/>.</param>
/// <param name="Sequence">That of the boot record that counts.</param>
internal sealed record Bootable(ObjectId Commit, string Tree, ulong Sequence)
{
    /// <summary>Looks at a physical root; counts nothing. Fails the test where there is no boot record or nothing to start.</summary>
    public static Bootable On(string root)
    {
        var layout = new DeviceLayout(root);
        var slots = new BootSlots(layout.Boot);
        var record = slots.Read();
        record.Should().NotBeNull("one slot is always whole");
        var choice = new Selector(layout, slots, new KernelCommandLine("")).Look();
        var boot = choice.Decision.Should().BeOfType<BootDecision.Boot>().Subject;
        var commit = FinishedDeployment.Find(layout, boot.Deployment)!.Commit;
        return new Bootable(commit, TreeDigest.Of(layout.Deployment(boot.Deployment)), record!.Sequence);
    }
}
