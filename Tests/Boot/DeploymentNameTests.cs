using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

public class DeploymentNameTests
{
    [Theory]
    [InlineData("1-00000000", 1ul, "00000000")]
    [InlineData("42-9f86d081", 42ul, "9f86d081")]
    [InlineData("9223372036854775807-ffffffff", 9223372036854775807ul, "ffffffff")]
    public void A_name_reads_and_writes_back_the_same(string text, ulong number, string prefix)
    {
        var name = DeploymentName.Parse(text);
        name.Number.Should().Be(number);
        name.CommitPrefix.Should().Be(prefix);
        name.ToString().Should().Be(text);
        new DeploymentName(number, prefix + "00").Should().Be(name);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("1")]
    [InlineData("0-00000000")]
    [InlineData("01-00000000")]
    [InlineData("+1-00000000")]
    [InlineData("1\0-00000000")]
    [InlineData(" 1-00000000")]
    [InlineData("1-0000000")]
    [InlineData("1-000000000")]
    [InlineData("1-0000000G")]
    [InlineData("1-ABCDEF00")]
    [InlineData("1-00000000\n")]
    [InlineData("../1-00000000")]
    [InlineData("1-../../..")]
    [InlineData("٣-00000000")]
    [InlineData("9223372036854775808-00000000")]
    [InlineData("18446744073709551616-00000000")]
    [InlineData("99999999999999999999999999999-00000000")]
    public void Anything_else_is_refused(string text)
    {
        DeploymentName.TryParse(text, out _).Should().BeFalse();
        FluentActions.Invoking(() => DeploymentName.Parse(text)).Should().Throw<FormatException>();
    }

    [Fact]
    public void Names_are_ordered_by_number_and_not_as_text() =>
        new[] { "10-00000000", "9-ffffffff", "2-00000000" }.Select(t => DeploymentName.Parse(t)).Order()
            .Select(n => n.Number).Should().Equal(2, 9, 10);
}
