using System.Text;
using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Tests.Support;
using TemporaryDirectory = ContentTree.Tests.Support.TemporaryDirectory;

namespace ContentTree.Tests.Boot;

/// <summary>The selector's <c>--link</c>: an application directory instead of a root.</summary>
public sealed class LinkedDeploymentTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly DeviceLayout _layout;
    private readonly BootSlots _slots;

    public LinkedDeploymentTests()
    {
        _layout = new DeviceLayout(_directory.Path);
        Directory.CreateDirectory(_layout.State);
        _slots = new BootSlots(_layout.Boot);
        Directory.CreateDirectory(_layout.Boot);
        _slots.Create();
        foreach (var number in new ulong[] { 1, 2 })
        {
            var name = BootSamples.Name(number);
            Directory.CreateDirectory(_layout.Deployment(name));
            Directory.CreateDirectory(_layout.Etc(name));
            File.WriteAllText(Path.Combine(_layout.Deployment(name), "version"), $"{number}");
            File.WriteAllText(_layout.Marker(name), new DeploymentMarker(BootSamples.Commit(number), "").Format());
        }
    }

    private string Link => _directory["opt/example/current"];

    public void Dispose()
    {
        // What root was shown read-only is still mounted.
        Shell.Run($"for d in '{_layout.Deployments}'/*; do umount -l \"$d\" 2>/dev/null; done; true");
        _directory.Dispose();
    }

    [Fact]
    public void The_link_leads_to_the_choice_and_back_when_the_tries_are_used_up()
    {
        _slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 2));
        Run().Should().Be(0);
        Version().Should().Be("2");
        _slots.Read()!.TriesLeft.Should().Be(1);
        BootedRecord.Read(_layout.Booted)!.Deployment.Should().Be(BootSamples.Name(2));
        Run().Should().Be(0);
        Version().Should().Be("2");
        Run().Should().Be(0);
        Version().Should().Be("1");
        (_slots.Read()!.State, BootedRecord.Read(_layout.Booted)!.Reason).Should().Be((BootState.Fallback, BootReason.Previous));
    }

    [Fact]
    public void A_link_that_leads_there_already_is_not_written_and_a_leftover_is_no_obstacle()
    {
        _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        Directory.CreateDirectory(Path.GetDirectoryName(Link)!);
        File.CreateSymbolicLink(Link + ".ctree-new", "/nowhere");
        Run().Should().Be(0);
        var written = new FileInfo(Link).LinkTarget;
        var inode = Shell.Run($"stat -c %i '{Link}'");
        Run().Should().Be(0);
        (new FileInfo(Link).LinkTarget, Shell.Run($"stat -c %i '{Link}'")).Should().Be((written, inode));
    }

    [Fact]
    public void A_directory_in_the_way_is_left_alone_and_nothing_to_choose_is_rescue()
    {
        _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        Directory.CreateDirectory(Link);
        Run().Should().Be(1);
        Directory.Exists(Link).Should().BeTrue();
        foreach (var marker in Directory.GetFiles(_layout.Deployments, "*.ok"))
            File.Delete(marker);
        Run().Should().Be(20);
    }

    [MountFact]
    public void Nobody_writes_through_the_link_into_the_store()
    {
        _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        Run().Should().Be(0);
        var write = () => File.WriteAllText(Path.Combine(Link, "version"), "spoiled");
        write.Should().Throw<IOException>().WithMessage("*Read-only*");
        Run().Should().Be(0, "a second time it is the same");
        _slots.Write(BootSamples.Record(BootState.Good, 2, 1, 0));
        Run().Should().Be(0);
        Shell.Try($"grep -c '{_layout.Deployment(BootSamples.Name(1))} ' /proc/self/mounts").Output.Trim().Should().Be("0", "what is left can be removed");
        _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        Run().Should().Be(0);
        Shell.Run($"grep -c '{_layout.Deployment(BootSamples.Name(1))} ' /proc/self/mounts").Trim().Should().Be("1");
    }

    [Fact]
    public void On_trial_is_what_was_chosen_last_until_it_is_confirmed()
    {
        OnTrial().Should().Be(1, "nothing was ever chosen");
        _slots.Write(BootSamples.Record(BootState.Good, 1, null, 0));
        Run();
        _slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 2));
        OnTrial().Should().Be(1, "it has not been activated yet");
        Run();
        OnTrial().Should().Be(0);
        _slots.Write(BootSamples.Record(BootState.Good, 2, 1, 0));
        OnTrial().Should().Be(1, "it was confirmed");
        _slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 0));
        Run();
        OnTrial().Should().Be(1, "it went back");
    }

    [Fact]
    public void What_used_up_its_tries_with_nothing_before_it_is_on_trial_no_more()
    {
        Directory.Delete(_layout.Deployment(BootSamples.Name(1)), recursive: true);
        File.Delete(_layout.Marker(BootSamples.Name(1)));
        _slots.Write(BootSamples.Record(BootState.Trial, 2, null, 2));
        Run().Should().Be(0);
        OnTrial().Should().Be(0);
        Run().Should().Be(0);
        OnTrial().Should().Be(1, "a reboot would lead nowhere");
        Run().Should().Be(20);
        OnTrial().Should().Be(1);
        File.Exists(_layout.Booted).Should().BeFalse("nothing runs");
    }

    [Fact]
    public void What_is_on_trial_leaves_last_words_where_the_agent_looks_for_them()
    {
        LastWords().Should().BeNull("nothing was ever chosen");
        _slots.Write(BootSamples.Record(BootState.Trial, 2, 1, 2));
        Run();
        Shell.Run(LastWords()!);
        File.ReadAllText(_layout.LastWords).Should().StartWith($"deployment={BootSamples.Name(2)}\nkernel log:\n").And.Contain("\nlast words of the agent:\n");
        Shell.Run($"stat -c %a '{_layout.LastWords}'").Trim().Should().Be("600");
        _slots.Write(BootSamples.Record(BootState.Good, 2, 1, 0));
        LastWords().Should().BeNull("it was confirmed");
    }

    private string? LastWords()
    {
        var script = new StringBuilder();
        var code = Commands.Run(["--root", _directory.Path, "--last-words"], new KernelCommandLine(""), new BootSelector.Terminal(line => script.Append(line).Append('\n'), _ => { }));
        return code == 0 ? script.ToString() : null;
    }

    private int OnTrial() => Run("--on-trial");

    private int Run() => Run("--link", Link);

    private int Run(params string[] words) => Commands.Run(["--root", _directory.Path, .. words], new KernelCommandLine(""), new BootSelector.Terminal(_ => { }, _ => { }));

    private string Version() => File.ReadAllText(Path.Combine(Link, "version"));
}
