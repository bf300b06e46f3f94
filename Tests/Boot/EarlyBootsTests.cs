using System.Text;
using ContentTree.BootFile;
using ContentTree.BootSelector;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Boot;

/// <summary>A confirmed deployment that ends early again and again is slowed down, and nothing else is.</summary>
public sealed class EarlyBootsTests : IDisposable
{
    private readonly Support.TemporaryDirectory _directory = new();
    private readonly DeviceLayout _layout;
    private readonly List<int> _waits = [];
    private readonly List<string> _said = [];

    public EarlyBootsTests()
    {
        _layout = new DeviceLayout(_directory.Path);
        Directory.CreateDirectory(_layout.State);
    }

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void The_file_is_one_line_of_64_bytes_and_reads_back()
    {
        var boots = new EarlyBoots(BootSamples.Name(long.MaxValue), EarlyBoots.MaxCount, IsWaiting: true);
        Lasts(boots);

        Encoding.ASCII.GetString(File.ReadAllBytes(_layout.EarlyBoots)).Should().HaveLength(EarlyBoots.Size).And.EndWith(" \n").And.StartWith("9223372036854775807-");
        EarlyBoots.Read(_layout.EarlyBoots).Should().Be(boots);
    }

    [Fact]
    public void A_few_boots_go_at_once_then_each_waits_twice_as_long_up_to_a_minute()
    {
        Lasts(new EarlyBoots(BootSamples.Name(1)));
        Boot(14);

        _waits.Should().Equal(0, 0, 0, 0, 0, 10, 20, 40, 60, 60, 60, 60, 60, 60);
        _said.Should().HaveCount(9).And.Contain(line => line.Contains("1-00000001 was started 5 times without lasting 2 min: it boots in 10 s", StringComparison.Ordinal));
        File.ReadAllText(BootLog.PathOn(_layout)).Should().Contain("it boots in 60 s");
    }

    [Fact]
    public void Once_a_boot_has_lasted_the_next_ones_go_at_once_again()
    {
        Lasts(new EarlyBoots(BootSamples.Name(1)));
        Boot(7);
        Lasts(new EarlyBoots(BootSamples.Name(1)));
        _waits.Clear();
        Boot(6);

        _waits.Should().Equal(0, 0, 0, 0, 0, 10);
    }

    [Fact]
    public void A_wait_that_was_cut_off_is_not_repeated()
    {
        Lasts(new EarlyBoots(BootSamples.Name(1), 8));
        Boot(1, _ => throw new IOException("the plug is pulled"));
        EarlyBoots.Read(_layout.EarlyBoots)!.IsWaiting.Should().BeTrue();
        Boot(2);

        _waits.Should().Equal([60, 0, 60], "the boot after it goes at once, and the one after that waits again");
    }

    [Fact]
    public void Without_end_it_counts_to_a_bound()
    {
        Lasts(new EarlyBoots(BootSamples.Name(1)));
        Boot(300);

        EarlyBoots.Read(_layout.EarlyBoots)!.Count.Should().Be(EarlyBoots.MaxCount);
        _waits[^1].Should().Be(60);
    }

    [Fact]
    public void Where_no_agent_asked_for_it_nothing_is_written_and_nothing_waits()
    {
        Boot(8);

        _waits.Should().OnlyContain(seconds => seconds == 0);
        Directory.GetFileSystemEntries(_layout.State).Should().BeEmpty();
    }

    [Fact]
    public void Boots_of_another_deployment_are_not_counted()
    {
        Lasts(new EarlyBoots(BootSamples.Name(2), 9));
        Boot(8);

        _waits.Should().OnlyContain(seconds => seconds == 0);
        EarlyBoots.Read(_layout.EarlyBoots)!.Count.Should().Be(9);
    }

    [Fact]
    public void It_can_be_switched_off_on_the_command_line()
    {
        Lasts(new EarlyBoots(BootSamples.Name(1), 9));
        Boot(1, words: "ctree.backoff=0");

        _waits.Should().Equal(0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1-00000001 3 started\n")]
    [InlineData("../../etc 3 started                                           \n")]
    [InlineData("1-00000001 100 started                                        \n")]
    [InlineData("1-00000001 -3 started                                         \n")]
    [InlineData("1-00000001 3 started again                                    \n")]
    public void What_is_no_count_is_none_and_the_boot_goes_on(string text)
    {
        File.WriteAllText(_layout.EarlyBoots, text.Length > 40 ? text.TrimEnd('\n').PadRight(EarlyBoots.Size - 1)[..(EarlyBoots.Size - 1)] + "\n" : text);
        Boot(8);

        EarlyBoots.Read(_layout.EarlyBoots).Should().BeNull();
        _waits.Should().OnlyContain(seconds => seconds == 0);
    }

    [Fact]
    public void A_count_that_cannot_be_written_costs_no_wait()
    {
        Lasts(new EarlyBoots(BootSamples.Name(1), 9));
        File.Move(_layout.EarlyBoots, _layout.EarlyBoots + ".real");
        File.CreateSymbolicLink(_layout.EarlyBoots, _layout.EarlyBoots + ".real");
        Boot(1);

        _waits.Should().Equal(0);
    }

    private void Lasts(EarlyBoots boots) => File.WriteAllBytes(_layout.EarlyBoots, boots.Encode());

    private void Boot(int times, Action<TimeSpan>? then = null, string words = "")
    {
        for (var boot = 0; boot < times; boot++)
        {
            var waited = 0;
            void Sleep(TimeSpan time)
            {
                waited = (int)time.TotalSeconds;
                then?.Invoke(time);
            }
            new BackOff(_layout, new KernelCommandLine(words), new Terminal(_ => { }, _said.Add), Sleep).BeforeBoot(BootSamples.Name(1));
            _waits.Add(waited);
        }
    }
}
