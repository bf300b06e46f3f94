using System.Diagnostics;

namespace ContentTree.Tests.Support;

/// <summary>Waits for what something in the background does; what never comes fails the test after a while.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static Task TrueAsync(Func<bool> isTrue) => TrueAsync(() => Task.FromResult(isTrue()));

    public static async Task TrueAsync(Func<Task<bool>> isTrue)
    {
        for (var start = Stopwatch.GetTimestamp(); !await isTrue(); await Task.Delay(20))
            Stopwatch.GetElapsedTime(start).Should().BeLessThan(Patience, "what runs beside the test gets there");
    }
}
