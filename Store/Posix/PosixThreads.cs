namespace ContentTree.Store;

/// <content>What a thread takes from the others.</content>
public static unsafe partial class Posix
{
    private const int LowestPriority = 19;

    /// <summary>Lets every other thread of the machine go first, from now to the calling thread's end: who is not root cannot take it back.</summary>
    public static void LowerThreadPriority()
    {
        // On Linux "this process" with the number 0 is the calling thread alone.
        const int process = 0;
        Check(Libc.setpriority(process, 0, LowestPriority), "priority of a thread");
    }

    /// <summary>The processor time that the calling thread has taken.</summary>
    public static TimeSpan ThreadTime()
    {
        const int threadClock = 3;
        Libc.Timespec time;
        Check(Libc.clock_gettime(threadClock, &time), "clock of a thread");
        return new TimeSpan((time.Seconds * TimeSpan.TicksPerSecond) + (time.Nanoseconds / TimeSpan.NanosecondsPerTick));
    }
}
