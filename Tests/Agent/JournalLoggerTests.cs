using ContentTree.Deploy.Agent;
using Microsoft.Extensions.Logging;

namespace ContentTree.Tests.Agent;

public sealed class JournalLoggerTests
{
    private readonly List<string> _lines = [];

    [Fact]
    public void Each_line_has_the_level_in_front_as_the_journal_reads_it()
    {
        using var log = new JournalLogger(_lines.Add);
        Log.Result(log, "up to date");
        Log.Failed(log, "first line\nsecond line");
        Log.Unforeseen(log, new InvalidOperationException("oops"));
        _lines.Should().Equal(
            "<6>up to date", "<4>first line", "<4>second line",
            "<3>a mistake in the program; the agent goes on: System.InvalidOperationException: oops");
    }

    [Fact]
    public void The_host_is_heard_only_when_something_is_wrong_and_by_its_name()
    {
        using var log = new JournalLogger(_lines.Add);
        var host = log.CreateLogger("Microsoft.Extensions.Hosting.Internal.Host");
        host.IsEnabled(LogLevel.Information).Should().BeFalse();
        host.Log(LogLevel.Critical, 0, "stopped", null, (text, _) => text);
        _lines.Should().Equal("<2>Microsoft.Extensions.Hosting.Internal.Host: stopped");
    }
}
