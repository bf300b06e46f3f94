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
    public async Task Who_only_glances_never_waits_and_has_no_more_counted_for_it()
    {
        using var held = new ManualResetEventSlim();
        Glance().Should().BeNull();
        Glance().Should().BeNull("it is being counted");
        held.Set();
        var first = await CountedAsync();
        _counts.Forget();
        Glance().Should().BeNull("that was from before a change");
        var second = await CountedAsync();
        second.Should().BeGreaterThan(first);
        _time.Ahead += TimeSpan.FromMinutes(3);
        Glance().Should().BeNull("that is old");
        (await CountedAsync()).Should().BeGreaterThan(second);

        async Task<int> CountedAsync()
        {
            int? last = null;
            await Eventually.TrueAsync(() => (last = Glance()) is not null);
            return last!.Value;
        }

        int? Glance() => _counts.Glance("g", () =>
        {
            held.Wait();
            return new Count(Interlocked.Increment(ref _made));
        })?.Number;
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

    [Fact]
    public async Task A_count_from_before_a_change_is_kept_for_nobody()
    {
        using var begun = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var before = Beside(() => _counts.Read("a", () =>
        {
            begun.Set();
            goOn.Wait();
            return new Count(100);
        }, _ => true).Number);
        begun.Wait();
        _counts.Forget();
        Read("a").Should().Be(1, "whoever asks after the change does not wait for the count of before it");
        goOn.Set();
        (await before).Should().Be(100);
        Read("a").Should().Be(1);
    }

    [Fact]
    public async Task Where_counting_takes_long_it_is_still_counted_beside_those_who_look()
    {
        Read("a", took: TimeSpan.FromSeconds(10)).Should().Be(1);
        _time.Ahead += TimeSpan.FromSeconds(70);
        Read("a").Should().Be(1);
        await Eventually.TrueAsync(() => Read("a") == 2);
    }

    [Fact]
    public async Task All_who_have_to_wait_wait_for_the_same_count()
    {
        using var goOn = new ManualResetEventSlim();
        using var entered = new CountdownEvent(4);
        var asked = Enumerable.Range(0, 4).Select(_ => Beside(() =>
        {
            entered.Signal();
            return _counts.Read("a", () =>
            {
                goOn.Wait();
                return new Count(Interlocked.Increment(ref _made));
            }, _ => true).Number;
        })).ToArray();
        entered.Wait();
        // Time for those who would count by themselves to begin.
        await Task.Delay(100);
        goOn.Set();
        (await Task.WhenAll(asked)).Should().AllBeEquivalentTo(1);
    }

    [Fact]
    public async Task Who_waits_for_a_count_that_fails_hears_of_it_and_the_next_one_counts()
    {
        await FluentActions.Awaiting(() => Beside(() => _counts.Read("a", () => throw new InvalidOperationException(), _ => true).Number)).Should().ThrowAsync<InvalidOperationException>();
        Read("a").Should().Be(1);
    }

    private static Task<int> Beside(Func<int> read) => Task.Factory.StartNew(read, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private int Read(string name, bool isLarge = true, TimeSpan took = default) => _counts.Read(name, () =>
    {
        _time.Ahead += took;
        return new Count(Interlocked.Increment(ref _made));
    }, _ => isLarge).Number;

    private sealed record Count(int Number);
}
