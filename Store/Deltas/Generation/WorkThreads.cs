using System.Runtime.ExceptionServices;

namespace ContentTree.Store.Deltas.Generation;

/// <summary>
/// Threads for one long piece of work. A pool's threads would keep others waiting, and a priority that was lowered stays low.
/// </summary>
internal static class WorkThreads
{
    /// <summary>Hands the items out in order, each to the next free thread; the first failure ends all.</summary>
    /// <param name="work">What each thread does until it is given null.</param>
    /// <returns>Processor time of all threads.</returns>
    public static TimeSpan Run(DeltaOptions options, IReadOnlyList<int> items, Action<Func<int?>> work, CancellationToken cancellation)
    {
        var run = new Shared(items, cancellation);
        var threads = Enumerable.Range(0, Math.Min(options.Workers, items.Count)).Select(_ => new Thread(() => Work(options, run, work)) { IsBackground = true }).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        run.Failure?.Throw();
        cancellation.ThrowIfCancellationRequested();
        return new TimeSpan(run.Ticks);
    }

    private static void Work(DeltaOptions options, Shared run, Action<Func<int?>> work)
    {
        try
        {
            if (options.InBackground)
                Posix.LowerThreadPriority();
            work(run.Next);
        }
        catch (Exception e)
        {
            // Whatever it is belongs to who waits for the threads.
            run.Failure ??= ExceptionDispatchInfo.Capture(e);
        }
        Interlocked.Add(ref run.Ticks, Posix.ThreadTime().Ticks);
    }

    private sealed class Shared(IReadOnlyList<int> items, CancellationToken cancellation)
    {
        private int _next = -1;

        public long Ticks;

        public volatile ExceptionDispatchInfo? Failure;

        public int? Next()
        {
            if (Failure is not null || cancellation.IsCancellationRequested)
                return null;
            var next = Interlocked.Increment(ref _next);
            return next < items.Count ? items[next] : null;
        }
    }
}
