using ContentTree.Server.Dashboard;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Dashboard;

/// <summary>Counts of what is large: nobody waits for the next one, and nobody sees an old one for ever.</summary>
public sealed class SlowCountsTests
{
    private readonly AdjustableTime _time = new();
    private readonly SlowCounts<Count> _counts;
    private int _made;

    public SlowCountsTests() => _counts = new SlowCounts<Count>(_time);

    [Fact]
    public void What_is_small_is_counted_for_everybody_who_asks()
    {
        Read("a", isLarge: false).Should().Be(1);
        Read("a", isLarge: false).Should().Be(2);
    }

    [Fact]
    public async Task What_is_large_is_counted_beside_those_who_look()
    {
        Read("a").Should().Be(1);
        Read("b").Should().Be(2, "each by itself");
        Read("a").Should().Be(1);
        _time.Ahead += TimeSpan.FromSeconds(30);
        Read("a").Should().Be(1, "the one who asks does not wait");
        await Eventually.TrueAsync(() => Read("a") == 3);
    }

    [Fact]
    public void After_a_change_and_after_a_long_time_it_is_counted_anew()
    {
        Read("a").Should().Be(1);
        _counts.Forget();
        Read("a").Should().Be(2);
        _time.Ahead += TimeSpan.FromMinutes(3);
        Read("a").Should().Be(3, "nobody has looked for so long that the last one says nothing");
    }

    [Fact]
    public async Task One_that_fails_is_tried_again()
    {
        Read("a").Should().Be(1);
        _time.Ahead += TimeSpan.FromSeconds(30);
        _counts.Read("a", () => throw new InvalidOperationException(), _ => true).Number.Should().Be(1);
        await Eventually.TrueAsync(() => Read("a") == 2);
    }

    private int Read(string name, bool isLarge = true) => _counts.Read(name, () => new Count(Interlocked.Increment(ref _made)), _ => isLarge).Number;

    private sealed record Count(int Number);
}
