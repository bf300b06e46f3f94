using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

public class BootedRecordTests
{
    private static readonly BootedRecord Sample = new()
    {
        Deployment = BootSamples.Name(3),
        Commit = BootSamples.Commit(3),
        Reason = BootReason.Previous,
        State = BootState.Fallback,
        Tries = 2,
        Selector = "0.1.0",
        Problem = "boot.a: the checksum does not match",
    };

    [Theory]
    [InlineData(BootReason.Override, BootState.Good)]
    [InlineData(BootReason.Wanted, BootState.Trial)]
    [InlineData(BootReason.Previous, BootState.Fallback)]
    [InlineData(BootReason.Recovery, BootState.Fallback)]
    [InlineData(BootReason.Newest, null)]
    public void What_is_written_reads_back(BootReason reason, BootState? state)
    {
        var record = Sample with { Reason = reason, State = state };
        BootedRecord.TryParse(record.Format() + "later=1\n", out var read).Should().BeTrue();
        read.Should().Be(record);
    }

    [Fact]
    public void The_text_is_what_a_shell_script_expects() => Sample.Format().Split('\n').Should().Equal(
        "deployment=" + BootSamples.Name(3), "commit=" + BootSamples.Commit(3), "reason=previous", "state=fallback", "tries=2",
        "override=0", "selector=0.1.0", "problem=boot.a: the checksum does not match", "");

    [Fact]
    public void A_problem_of_many_lines_cannot_forge_a_field() =>
        (Sample with { Problem = "x\ndeployment=9-00000000" }).Format().Split('\n').Should().HaveCount(9);

    [Theory]
    [InlineData("")]
    [InlineData("deployment=../x\n")]
    [InlineData("deployment=1-00000001\ncommit=short\nreason=wanted\n")]
    public void Anything_else_is_no_record(string text) => BootedRecord.TryParse(text, out _).Should().BeFalse();
}
