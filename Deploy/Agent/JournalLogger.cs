using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>
/// One line an event, with the level in front as the journal reads it (<c>sd-daemon(3)</c>). Ours instead of the
/// console logger, which would bring formats, a queue and a thread of its own.
/// </summary>
internal sealed class JournalLogger(Action<string> say, string source = "") : ILoggerProvider, ILogger
{
    public ILogger CreateLogger(string categoryName) =>
        categoryName.StartsWith("Microsoft", StringComparison.Ordinal) ? new JournalLogger(say, $"{categoryName}: ") : this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= (source.Length > 0 ? LogLevel.Warning : LogLevel.Information);

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        var text = $"{source}{formatter(state, exception)}{(exception is null ? "" : $": {exception}")}";
        // Every line of it has the level, or the journal would take the others for ordinary ones.
        foreach (var line in text.Split('\n'))
            say($"<{Priority(logLevel)}>{line}");
    }

    public void Dispose()
    {
    }

    private static int Priority(LogLevel level) => level switch
    {
        LogLevel.Critical => 2,
        LogLevel.Error => 3,
        LogLevel.Warning => 4,
        LogLevel.Information => 6,
        _ => 7,
    };
}
