using ContentTree.Deploy.Transfer;

namespace ContentTree.Tests.Deploy;

public sealed class ConnectionCountTests
{
    [Fact]
    public void A_fast_connection_stays_alone() => Settle(max: 6, n => 12e6).Should().Be(1);

    [Fact]
    public void A_slow_link_that_one_connection_fills_ends_with_one() => Settle(max: 6, n => 64e3).Should().Be(1);

    [Theory]
    [InlineData(6, 4)]
    [InlineData(3, 3)]
    [InlineData(1, 1)]
    public void As_many_as_help_and_no_more_than_allowed(int max, int expected) => Settle(max, n => Math.Min(n * 50e3, 200e3)).Should().Be(expected);

    [Fact]
    public void A_lossy_link_gets_several() => Settle(max: 6, n => 250e3 * (1 - Math.Pow(0.5, n))).Should().BeInRange(3, 4);

    [Fact]
    public void A_link_that_changes_is_measured_anew()
    {
        var count = new ConnectionCount(6);
        Settle(count, n => 64e3, 30).Should().Be(1);
        Settle(count, n => Math.Min(n * 50e3, 200e3), 60).Should().Be(4);
    }

    private static int Settle(int max, Func<int, double> rate) => Settle(new ConnectionCount(max), rate, 40);

    private static int Settle(ConnectionCount count, Func<int, double> rate, int windows)
    {
        for (var i = 0; i < windows; i++)
            count.Measured(rate(count.Current));
        return count.Current;
    }
}
