using ContentTree.BootFile;
using ContentTree.BootSelector;
using static ContentTree.Tests.Boot.BootSamples;

namespace ContentTree.Tests.Boot;

/// <summary>The command line of the selector on a physical root that is just a directory.</summary>
public sealed class SelectorCommandTests : IDisposable
{
    private readonly TemporaryDirectory _root = new();
    private readonly DeviceLayout _layout;
    private readonly BootSlots _slots;
    private readonly List<string> _results = [];
    private readonly List<string> _said = [];

    public SelectorCommandTests()
    {
        _layout = new DeviceLayout(_root.Path);
        Directory.CreateDirectory(_layout.Boot);
        Directory.CreateDirectory(_layout.State);
        foreach (ulong n in new ulong[] { 1, 2 })
        {
            Directory.CreateDirectory(_layout.Deployment(Name(n)));
            File.WriteAllText(_layout.Marker(Name(n)), Complete(n).Marker.Format());
        }
        _slots = new BootSlots(_layout.Boot);
        _slots.Create();
    }

    public void Dispose() => _root.Dispose();

    [Fact]
    public void Print_counts_and_prints_the_directory_and_records_it()
    {
        _slots.Write(Record(BootState.Trial, 2, 1, 3));
        Run("--print").Should().Be(0);
        _results.Should().Equal(_layout.Deployment(Name(2)));
        _slots.Read()!.TriesLeft.Should().Be(2);
        BootedRecord.Read(_layout.Booted).Should().Be(new BootedRecord
        {
            Deployment = Name(2),
            Commit = Commit(2),
            Reason = BootReason.Wanted,
            State = BootState.Trial,
            Tries = 2,
            Selector = "0.1.0",
        });
    }

    [Fact]
    public void Four_prints_of_a_trial_end_at_the_previous_deployment()
    {
        _slots.Write(Record(BootState.Trial, 2, 1, 3));
        for (var i = 0; i < 4; i++)
            Run("--print").Should().Be(0);
        _results.Select(path => Path.GetFileName(path)).Should().Equal("2-00000002", "2-00000002", "2-00000002", "1-00000001");
        _slots.Read()!.State.Should().Be(BootState.Fallback);
        File.ReadAllLines(Path.Combine(_layout.State, "boot.log")).Should().HaveCount(4);
    }

    [Fact]
    public void Printing_a_confirmed_deployment_leaves_slots_and_log_alone()
    {
        _slots.Write(Record(BootState.Good, 2, 1, 0));
        var before = (File.ReadAllBytes(_slots.PathA), File.ReadAllBytes(_slots.PathB));
        Run("--print").Should().Be(0);
        File.ReadAllBytes(_slots.PathA).Should().Equal(before.Item1);
        File.ReadAllBytes(_slots.PathB).Should().Equal(before.Item2);
        File.Exists(Path.Combine(_layout.State, "boot.log")).Should().BeFalse();
    }

    [Fact]
    public void Show_tells_both_slots_and_the_choice_and_changes_nothing()
    {
        _slots.Write(Record(BootState.Trial, 2, 1, 3));
        Run("--show").Should().Be(0);
        _results.Should().Contain($"{_slots.PathA}: sequence 1, wanted 2-00000002, previous 1-00000001, trial, 3 tries left (counts)")
            .And.Contain($"{_slots.PathB}: invalid: empty: never written").And.Contain("complete: 1-00000001");
        _results[^1].Should().StartWith("would boot 2-00000002: ");
        _slots.Read()!.TriesLeft.Should().Be(3);
        Directory.GetFiles(_layout.State).Should().BeEmpty();
    }

    [Fact]
    public void Nothing_complete_is_exit_code_20()
    {
        Directory.Delete(_layout.Deployments, recursive: true);
        Run("--print").Should().Be(20);
        Run("--show").Should().Be(20);
        _results[^1].Should().StartWith("would go to rescue");
    }

    [Fact]
    public void A_boot_file_elsewhere_is_used_when_asked_for()
    {
        var elsewhere = new BootSlots(Directory.CreateDirectory(_root["elsewhere"]).FullName);
        elsewhere.Create();
        elsewhere.Write(Record(BootState.Good, 1, null, 0));
        Run("--boot", _root["elsewhere"], "--print").Should().Be(0);
        _results.Should().Equal(_layout.Deployment(Name(1)));
    }

    [Fact]
    public void A_slot_that_cannot_be_written_leads_to_previous_and_the_record_says_so()
    {
        _slots.Write(Record(BootState.Trial, 2, 1, 3));
        File.Delete(_slots.PathB);
        Directory.CreateDirectory(_slots.PathB);
        Run("--print").Should().Be(0);
        _results.Should().Equal(_layout.Deployment(Name(1)));
        BootedRecord.Read(_layout.Booted)!.Problem.Should().Contain("boot.b").And.Contain("the count could not be saved");
    }

    [Fact]
    public void A_lost_slot_is_made_again_so_that_the_trial_is_counted()
    {
        _slots.Write(Record(BootState.Trial, 2, 1, 3));
        File.Delete(_slots.PathB);
        Run("--print").Should().Be(0);
        _results.Should().Equal(_layout.Deployment(Name(2)));
        _slots.Read()!.TriesLeft.Should().Be(2);
    }

    [Theory]
    [InlineData("ctree.deployment=1-00000001", 1)]
    [InlineData("ctree.previous", 1)]
    [InlineData("ctree.previous=0", 2)]
    [InlineData("ctree.deployment=../../etc", 2)]
    public void A_person_chooses_on_the_kernel_command_line(string commandLine, ulong expected)
    {
        _slots.Write(Record(BootState.Good, 2, 1, 0));
        Commands.Run(["--root", _root.Path, "--print"], new KernelCommandLine(commandLine), Terminal()).Should().Be(0);
        _results.Should().Equal(_layout.Deployment(Name(expected)));
    }

    [Theory]
    [InlineData]
    [InlineData("--frob")]
    [InlineData("--show", "--print")]
    [InlineData("--switch-root")]
    [InlineData("--print", "--root")]
    [InlineData("--print", "extra")]
    public void Wrong_words_are_exit_code_2(params string[] words)
    {
        Commands.Run(words, new KernelCommandLine(""), Terminal()).Should().Be(2);
        _said.Should().HaveCount(2, "the problem and the usage");
        _results.Should().BeEmpty();
    }

    [Fact]
    public void A_root_that_is_not_there_is_exit_code_1()
    {
        Commands.Run(["--root", _root["nowhere"], "--print"], new KernelCommandLine(""), Terminal()).Should().Be(1);
        _said.Should().Equal($"{_root["nowhere"]} is no directory");
    }

    [Fact]
    public void Rescue_is_refused_where_the_root_is_a_disk()
    {
        Handover.IsInMemory("/dev/shm").Should().BeTrue();
        Handover.IsInMemory("/proc").Should().BeFalse();
        // In a container on a tmpfs there is nothing to refuse, and rebooting is no test.
        if (!Handover.IsInMemory("/"))
            Run("--rescue").Should().Be(1);
    }

    [Fact]
    public void The_boot_log_keeps_its_newer_half_when_it_is_full()
    {
        var path = Path.Combine(_layout.State, "boot.log");
        for (var i = 0; i < 2000; i++)
            BootLog.Append(path, $"line {i} {new string('x', 60)}");
        var lines = File.ReadAllLines(path);
        new FileInfo(path).Length.Should().BeLessThan(80_000);
        lines[^1].Should().StartWith("line 1999 ");
        lines.Should().OnlyContain(line => line.StartsWith("line ", StringComparison.Ordinal), "no line is cut");
    }

    private int Run(params string[] words) => Commands.Run(["--root", _root.Path, .. words], new KernelCommandLine(""), Terminal());

    private Terminal Terminal() => new(_results.Add, _said.Add);
}
