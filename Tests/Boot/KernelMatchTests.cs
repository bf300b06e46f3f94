using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Tests.EndToEnd;
using static ContentTree.Tests.Boot.BootSamples;

namespace ContentTree.Tests.Boot;

/// <summary>The selector's comparison of the running kernel with the chosen tree's.</summary>
public sealed class KernelMatchTests : IDisposable
{
    private static readonly string Old = new('a', 32);
    private static readonly string New = new('b', 32);

    private readonly DeviceDisk _disk = new();
    private readonly List<string> _said = [];

    public KernelMatchTests()
    {
        Add(1, Old);
        Add(2, New);
        Directory.CreateDirectory(_disk.Layout.LoaderPointers);
        File.WriteAllBytes(Path.Combine(_disk.Layout.Boot, "pointer"), new byte[512]);
        Prepare(Old);
    }

    public void Dispose() => _disk.Dispose();

    [Fact]
    public void Equal_kernels_boot_and_nothing_is_written()
    {
        _disk.Slots.Write(Record(BootState.Good, 1, null, 0));
        Judge($"ctree.assets={Old}").Should().Be(KernelVerdict.Boot);
        Directory.GetFiles(_disk.Layout.State).Should().BeEmpty();
    }

    [Fact]
    public void A_kernel_from_elsewhere_and_a_tree_without_one_are_not_compared()
    {
        _disk.Slots.Write(Record(BootState.Good, 1, null, 0));
        Judge("quiet").Should().Be(KernelVerdict.Boot);
        Add(1, "");
        Judge($"ctree.assets={New}").Should().Be(KernelVerdict.Boot);
        _said.Should().BeEmpty();
    }

    [Fact]
    public void With_another_kernel_the_loader_is_pointed_back_and_the_machine_reboots_twice_at_most()
    {
        _disk.Slots.Write(Record(BootState.Fallback, 2, 1, 3));
        for (var reboot = 1; reboot <= 2; reboot++)
        {
            Judge($"ctree.assets={New}").Should().Be(KernelVerdict.Reboot);
            File.ReadAllText(Path.Combine(_disk.Layout.Boot, "pointer")).Should().StartWith($"start {Old}");
            File.WriteAllBytes(Path.Combine(_disk.Layout.Boot, "pointer"), new byte[512]);
        }
        Judge($"ctree.assets={New}").Should().Be(KernelVerdict.Boot, "the loader does not listen, and the previous tree is the last there is");
        _said[^1].Should().Contain("2 times").And.Contain("boots with the kernel that runs");
        File.ReadAllText(BootLog.PathOn(_disk.Layout)).Should().Contain("needs kernel aaaaaaaa, bbbbbbbb runs");
    }

    [Fact]
    public void Once_the_right_kernel_runs_the_reboots_are_forgotten()
    {
        _disk.Slots.Write(Record(BootState.Good, 1, null, 0));
        Judge($"ctree.assets={New}").Should().Be(KernelVerdict.Reboot);
        Judge($"ctree.assets={Old}").Should().Be(KernelVerdict.Boot);
        File.Exists(_disk.Layout.Repointed).Should().BeFalse();
    }

    [Fact]
    public void A_kernel_that_never_came_up_is_passed_over_when_the_loader_has_left_it()
    {
        _disk.Slots.Write(Record(BootState.Trial, 2, 1, 3));
        Judge($"ctree.assets={Old}").Should().Be(KernelVerdict.PassOver);
        _said[^1].Should().Contain("passed over");
        File.Exists(_disk.Layout.Repointed).Should().BeFalse();
    }

    [Fact]
    public void A_persons_choice_boots_with_whatever_kernel_that_person_started()
    {
        _disk.Slots.Write(Record(BootState.Good, 2, 1, 0));
        Judge($"ctree.previous ctree.assets={New}").Should().Be(KernelVerdict.Boot);
        _said[^1].Should().Contain("a person chose it");
    }

    [Theory]
    [InlineData("../../etc/shadow")]
    [InlineData("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public void A_hostile_name_in_a_marker_is_no_path(string assets)
    {
        Add(1, assets);
        _disk.Slots.Write(Record(BootState.Good, 1, null, 0));
        Judge($"ctree.assets={New}").Should().Be(KernelVerdict.Boot);
        _said[^1].Should().Contain("no name of a kernel");
    }

    [Fact]
    public void A_loader_that_cannot_be_written_ends_in_the_previous_tree_or_in_this_one()
    {
        File.Delete(Path.Combine(_disk.Layout.Boot, "pointer"));
        Prepare(New);
        _disk.Slots.Write(Record(BootState.Good, 2, 1, 0));
        Judge($"ctree.assets={Old}").Should().Be(KernelVerdict.PassOver);
        _disk.Slots.Write(Record(BootState.Good, 2, null, 0));
        Judge($"ctree.assets={Old}").Should().Be(KernelVerdict.Boot);
        _said[^1].Should().Contain("cannot be pointed at it");
    }

    private KernelVerdict Judge(string words)
    {
        var commandLine = new KernelCommandLine(words);
        var choice = new Selector(_disk.Layout, _disk.Slots, commandLine).Choose();
        var match = new KernelMatch(_disk.Layout, _disk.Layout.Boot, commandLine, new BootSelector.Terminal(_ => { }, _said.Add));
        return match.Judge(choice, (BootDecision.Boot)choice.Decision);
    }

    private void Add(ulong number, string assets)
    {
        Directory.CreateDirectory(_disk.Layout.Deployment(Name(number)));
        File.WriteAllText(_disk.Layout.Marker(Name(number)), new DeploymentMarker(Commit(number), assets).Format());
    }

    private void Prepare(string assets)
    {
        var block = new byte[512];
        System.Text.Encoding.ASCII.GetBytes($"start {assets}", block);
        File.WriteAllBytes(Path.Combine(_disk.Layout.LoaderPointers, assets), new LoaderPointer("pointer", block).Encode());
    }
}
