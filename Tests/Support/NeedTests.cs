namespace ContentTree.Tests.Support;

public sealed class NeedTests
{
    [Fact]
    public void Only_a_developers_machine_may_lack_something()
    {
        Need.Skip("needs qemu", isIntegration: false).Should().Be("needs qemu");
        Need.Skip("needs qemu", isIntegration: true).Should().BeNull();
        Need.Skip(null, isIntegration: false).Should().BeNull();
    }

    [Fact]
    public void What_is_missing_is_named()
    {
        Need.Programs("coreutils", "ls", "cat").Should().BeNull();
        Need.Programs("coreutils, none", "ls", "no-such-program").Should().Be("needs no-such-program (Debian packages coreutils, none)");
    }
}
