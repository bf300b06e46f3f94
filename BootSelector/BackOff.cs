using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// Slows down a confirmed deployment that ends early again and again: a crash, a watchdog, a supply that breaks down. It stays the one that
/// boots; only the pause before it grows. Whatever goes wrong here, it boots at once.
/// </summary>
internal sealed class BackOff(DeviceLayout layout, KernelCommandLine commandLine, Terminal terminal, Action<TimeSpan> sleep)
{
    private const int FirstWaitSeconds = 10;

    /// <summary>Counts this boot, if the agent asked for that, and waits if it is one of many.</summary>
    public void BeforeBoot(DeploymentName name)
    {
        var first = commandLine.Seconds("ctree.backoff", FirstWaitSeconds);
        if (first == 0 || EarlyBoots.Read(layout.EarlyBoots) is not { } before || before.Deployment != name)
            return;
        try
        {
            var (seconds, now) = (before.WaitSeconds(first), before.Next());
            if (seconds > 0)
                Wait(seconds, now, before.Count);
            now.Overwrite(layout.EarlyBoots);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say("this boot is not counted: " + e.Message);
        }
    }

    // Said on the medium first: whoever cuts the wait off, a person or a watchdog that nobody feeds here, gets a boot without one.
    private void Wait(int seconds, EarlyBoots now, int before)
    {
        (now with { IsWaiting = true }).Overwrite(layout.EarlyBoots);
        BootLog.Note(layout, $"{now.Deployment} was started {before} times without lasting {EarlyBoots.Lasting.TotalMinutes} min: it boots in {seconds} s (ctree.backoff=0: at once)", terminal);
        sleep(TimeSpan.FromSeconds(seconds));
    }
}
