using ContentTree.Store.Deltas.Coding;

namespace ContentTree.Tests.Deltas.Coding;

public sealed class MatcherTests
{
    [Theory]
    [InlineData(4, Matcher.DefaultPositions)]
    [InlineData(16, Matcher.DefaultPositions)]
    [InlineData(8, 500)]
    public void Operations_make_every_byte_once_and_stay_inside_the_old_file(int margin, int positions)
    {
        var matcher = new Matcher(positions);
        for (var seed = 0; seed < 300; seed++)
        {
            var (old, fresh) = CodingSamples.Pair(seed);
            matcher.Prepare(old);
            var operations = matcher.Match(old, fresh, margin);
            operations.Sum(o => (long)o.CopyLength + o.LiteralLength).Should().Be(fresh.Length);
            operations.All(o => o.CopyLength >= 0 && o.LiteralLength >= 0 && o.CopyLength + o.LiteralLength > 0).Should().BeTrue();
            operations.All(o => o.OldPosition >= 0 && o.OldPosition + o.CopyLength <= old.Length).Should().BeTrue();
        }
    }

    [Fact]
    public void What_moved_is_copied_and_what_is_new_is_literal()
    {
        var random = new Random(1);
        var old = new byte[10_000];
        random.NextBytes(old);
        byte[] fresh = [.. old[5000..], .. "something else entirely"u8, .. old[..5000]];
        var matcher = new Matcher();
        matcher.Prepare(old);
        matcher.Match(old, fresh, 8).Should().Equal(new MatchOperation(5000, 5000, 23), new MatchOperation(0, 5000, 0));
    }

    [Fact]
    public void Long_runs_of_one_byte_do_not_make_it_slow()
    {
        var old = new byte[4_000_000];
        var fresh = new byte[4_000_000];
        for (var at = 0; at < fresh.Length; at += 100)
            fresh[at] = 1;
        var matcher = new Matcher();
        matcher.Prepare(old);
        matcher.Match(old, fresh, 4).Count.Should().BeLessThan(10);
    }
}
