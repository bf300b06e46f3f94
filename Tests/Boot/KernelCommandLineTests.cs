using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

public class KernelCommandLineTests
{
    [Fact]
    public void Words_have_values_or_not_and_the_last_one_counts()
    {
        var line = new KernelCommandLine("quiet root=/dev/vda  a=1 a=2 \"name=with blank\" dyndbg=\"file x +p\"\n");
        line["root"].Should().Be("/dev/vda");
        line["quiet"].Should().Be("");
        line["a"].Should().Be("2");
        line["name"].Should().Be("with blank");
        line["dyndbg"].Should().Be("file x +p");
        line["absent"].Should().BeNull();
    }

    [Theory]
    [InlineData("x", true)]
    [InlineData("x=1", true)]
    [InlineData("x=0", false)]
    [InlineData("x=off", false)]
    [InlineData("y", false)]
    public void A_switch_is_on_unless_it_says_otherwise(string text, bool expected) =>
        new KernelCommandLine(text).IsSet("x").Should().Be(expected);

    [Theory]
    [InlineData("t=5", 5)]
    [InlineData("t=0", 0)]
    [InlineData("t=-1", 30)]
    [InlineData("t=99999999999", 30)]
    [InlineData("t=soon", 30)]
    [InlineData("", 30)]
    public void Seconds_fall_back_to_the_default(string text, int expected) =>
        new KernelCommandLine(text).Seconds("t", 30).Should().Be(expected);
}
