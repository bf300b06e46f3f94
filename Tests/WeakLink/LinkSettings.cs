using System.Diagnostics;
using System.Globalization;

namespace ContentTree.WeakLink;

/// <summary>How bad the link is. Rates in bytes a second, times in milliseconds, 0 for "not".</summary>
internal sealed record LinkSettings(long Rate, long Cut, long Each, long Delay, long UpTime, long DownTime)
{
    private static readonly Stopwatch Clock = Stopwatch.StartNew();

    public static LinkSettings Parse(string line)
    {
        var words = line.Split([' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        long Named(string name) => words.Select(w => w.Split('=')).Where(w => w[0] == name).Select(w => Number(w[1])).FirstOrDefault();
        return new LinkSettings(Number(words[0]), Number(words[1]), Named("each"), Named("delay"), Named("up"), Named("down"));
    }

    public Task Pass() => Delay == 0 ? IsUp() : Task.WhenAll(IsUp(), Task.Delay((int)Delay));

    public async Task IsUp()
    {
        while (DownTime > 0 && Clock.ElapsedMilliseconds % (UpTime + DownTime) >= UpTime)
            await Task.Delay(10);
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
