using System.Text.Json;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Transfer;

namespace ContentTree.Deploy.Updates;

/// <summary>
/// Tells people, or with --json programs, how far a download is: one line that rewrites itself on a terminal, one JSON object a line
/// otherwise. Says nothing where neither listens.
/// </summary>
internal sealed class Progress(TextWriter writer, bool isJson, bool isTerminal, TimeProvider clock)
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(200);

    public static Progress Silent(TimeProvider clock) => new(TextWriter.Null, false, false, clock);

    /// <summary>Reports until it is disposed; the last report is complete.</summary>
    public IAsyncDisposable Follow(PullPlan plan, TransferCounters counters) => new Line(this, plan, counters);

    /// <summary>Something that people want to know and programs need not.</summary>
    public void Say(string line)
    {
        if (!isJson)
            writer.WriteLine(line);
    }

    private void Report(PullPlan plan, TransferCounters counters, long rate, bool isLast)
    {
        var left = rate > 0 ? Math.Max(0, plan.FetchBytes - counters.Bytes) / rate : (long?)null;
        if (isJson)
        {
            var now = new ProgressDocument(plan.Id, counters.Objects, counters.Bytes, plan.Fetches, plan.FetchBytes, isLast, rate, left);
            writer.WriteLine(JsonSerializer.Serialize(now, LineJson.Default.ProgressDocument));
        }
        else if (isTerminal)
        {
            var pace = $"{Sizes.Text(rate)}/s{(left is { } seconds && !isLast ? $", at most {TimeSpan.FromSeconds(seconds):g} left" : "")}";
            writer.Write($"\r{counters.Objects} objects, {Sizes.Text(counters.Bytes)} of at most {Sizes.Text(plan.FetchBytes)}, {pace} \u001b[K{(isLast ? "\n" : "")}");
        }
        writer.Flush();
    }

    private sealed class Line : IAsyncDisposable
    {
        private readonly Progress _progress;
        private readonly PullPlan _plan;
        private readonly TransferCounters _counters;
        private readonly TransferRate _rate;
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _reporting;

        public Line(Progress progress, PullPlan plan, TransferCounters counters)
        {
            (_progress, _plan, _counters) = (progress, plan, counters);
            _rate = new TransferRate(progress.Clock, counters.Bytes);
            _reporting = progress.Speaks ? ReportAsync() : Task.CompletedTask;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync().ConfigureAwait(false);
            await _reporting.ConfigureAwait(false);
            if (_progress.Speaks)
                _progress.Report(_plan, _counters, _rate.At(_counters.Bytes), isLast: true);
            _stop.Dispose();
        }

        private async Task ReportAsync()
        {
            using var timer = new PeriodicTimer(Step, _progress.Clock);
            try
            {
                while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
                    _progress.Report(_plan, _counters, _rate.At(_counters.Bytes), isLast: false);
            }
            catch (OperationCanceledException)
            {
            }
        }
    }

    private TimeProvider Clock { get; } = clock;

    private bool Speaks => isJson || isTerminal;
}
