using ContentTree.BootFile;
using ContentTree.Deploy;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.State;
using ContentTree.Store.Objects;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy;

/// <summary>The deny list, and what a fallback puts on it.</summary>
public sealed class DenialsTests : IDisposable
{
    private static readonly ObjectId Commit = ObjectId.Of("bad"u8);
    private static readonly ObjectId Other = ObjectId.Of("other"u8);
    private static readonly DeploymentName Failed = DeploymentName.TryParse("2-0123abcd", out var name) ? name : default;

    private readonly TemporaryDirectory _directory = new();
    private readonly AdjustableTime _time = new();
    private readonly Denials _denials;

    public DenialsTests()
    {
        Directory.CreateDirectory(_directory["ctree/state"]);
        _denials = new Denials(new DeviceRoot(_directory.Path, IsGiven: true), _time);
    }

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(Denials.FailedBoot)]
    [InlineData(Denials.FailedHealth)]
    [InlineData(Denials.ByPerson)]
    public void What_a_tree_did_wrong_is_never_forgotten(string reason)
    {
        _denials.Add(Commit, reason, "because");
        _time.Ahead = TimeSpan.FromDays(10_000);
        _denials.Find(Commit).Should().Be(new Denial(Commit, reason, "because"));
    }

    [Theory]
    [InlineData(Denials.Interrupted)]
    [InlineData(Denials.LostNetwork)]
    [InlineData(Denials.NeverRan)]
    [InlineData(Denials.NotConfirmed)]
    public void What_may_be_nobodys_fault_is_tried_again_ever_later_and_at_last_no_more(string reason)
    {
        _denials.Add(Other, Denials.ByPerson, "stays");
        foreach (var pause in new[] { TimeSpan.FromHours(1), TimeSpan.FromDays(1), TimeSpan.FromDays(7) })
        {
            _denials.Add(Commit, reason, "again");
            _denials.Add(Commit, reason, "a step that is repeated counts once");
            _time.Ahead += pause - TimeSpan.FromMinutes(1);
            _denials.Find(Commit).Should().NotBeNull();
            _time.Ahead += TimeSpan.FromMinutes(2);
            _denials.Find(Commit).Should().BeNull();
        }
        _denials.Add(Commit, reason, "the last time").Count.Should().Be(4);
        _time.Ahead += TimeSpan.FromDays(10_000);
        _denials.Find(Commit).Should().NotBeNull();
        _denials.Find(Other)!.Text.Should().Be("stays");
        _denials.Remove(Commit).Should().BeTrue();
        _denials.Find(Commit).Should().BeNull();
    }

    [Fact]
    public void Lines_without_a_count_are_read_and_the_selector_reads_all()
    {
        File.WriteAllText(_directory["ctree/state/denied"], $"{Other} failed-boot used up its tries\n");
        _denials.Find(Other).Should().Be(new Denial(Other, "failed-boot", "used up its tries"));
        _denials.Add(Commit, Denials.Interrupted, "two\nlines");
        var list = DenyList.Read(_directory["ctree/state/denied"]);
        (list.Contains($"{Other}"), list.Contains($"{Commit}")).Should().Be((true, true));
        _denials.Find(Commit)!.Text.Should().Be("two lines");
    }

    [Theory]
    [InlineData("", Denials.NeverRan)]
    [InlineData("Running", Denials.Interrupted)]
    [InlineData("Running Sick Running", Denials.FailedHealth)]
    [InlineData("Unreached Sick", Denials.FailedHealth)]
    [InlineData("Running Unreached", Denials.LostNetwork)]
    public void The_verdict_follows_what_the_agent_saw(string words, string reason) => Verdict(words, confirmedByPerson: false).Reason.Should().Be(reason);

    [Theory]
    [InlineData("", Denials.NeverRan)]
    [InlineData("Running", Denials.NotConfirmed)]
    public void A_person_who_did_not_confirm_has_said_something(string words, string reason) => Verdict(words, confirmedByPerson: true).Reason.Should().Be(reason);

    [Theory]
    [InlineData("", false, Denials.FailedBoot)]
    [InlineData("", true, Denials.FailedBoot)]
    [InlineData("Running", false, Denials.FailedBoot)]
    [InlineData("Running", true, Denials.FailedBoot)]
    [InlineData("Running Sick", false, Denials.FailedHealth)]
    [InlineData("Running Unreached", false, Denials.LostNetwork)]
    public void What_no_power_cut_leaves_behind_condemns_a_tree_that_did_not_speak(string words, bool confirmedByPerson, string reason)
    {
        var said = new Evidence("", "a console", "text", null);
        Verdict(words, confirmedByPerson, said).Reason.Should().Be(Verdict(words, confirmedByPerson).Reason, "not all that is found speaks against the tree");
        Verdict(words, confirmedByPerson, said, new Evidence("", "a record", "text", "its kernel panicked")).Reason.Should().Be(reason);
    }

    private static FallbackVerdict Verdict(string words, bool confirmedByPerson, params Evidence[] evidence)
    {
        var boots = words.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select((word, index) => new TrialBoot((ulong)index + 1, DateTimeOffset.UnixEpoch, Enum.Parse<TrialWord>(word), "why")).ToArray();
        return FallbackVerdict.Of(Failed, new TrialState(Failed, boots), evidence, confirmedByPerson);
    }
}
