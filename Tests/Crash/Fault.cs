namespace ContentTree.Tests.Crash;

/// <summary>What goes wrong in a run of a program, and at which of the calls that change a file system (from 1).</summary>
internal abstract record Fault
{
    private Fault()
    {
    }

    /// <summary>What <c>faults.c</c> reads.</summary>
    public abstract IEnumerable<(string Name, string Value)> Environment { get; }

    /// <summary>The process ends there as by <c>kill -9</c>, before the call.</summary>
    public sealed record Kill(long Call) : Fault
    {
        public override IEnumerable<(string, string)> Environment => [("FAULT_AT", $"{Call}"), ("FAULT_KILL", "1")];

        public override string ToString() => $"killed at call {Call}";
    }

    /// <summary>The call fails; a full or read-only disk stays so, a bad sector is met once.</summary>
    public sealed record Fail(long Call, Errno Errno) : Fault
    {
        public override IEnumerable<(string, string)> Environment =>
            Errno == Errno.EIO ? Once : [.. Once, ("FAULT_LASTING", "1")];

        private (string, string)[] Once => [("FAULT_AT", $"{Call}"), ("FAULT_ERRNO", $"{(int)Errno}")];

        public override string ToString() => $"{Errno} at call {Call}";
    }

    /// <summary>What happens at every call and is no failure: the program has to bear it.</summary>
    public sealed record Nuisance(Annoyance What) : Fault
    {
        public override IEnumerable<(string, string)> Environment => [("FAULT_EACH", What.ToString().ToLowerInvariant())];

        public override string ToString() => $"{What} at every call";
    }

    /// <summary>It may have so many files open and no more.</summary>
    public sealed record FewFiles(int Most) : Fault
    {
        public override IEnumerable<(string, string)> Environment => [("FAULT_FILES", $"{Most}")];

        public override string ToString() => $"at most {Most} open files";
    }
}

/// <summary>What a system may do to any call.</summary>
internal enum Annoyance
{
    /// <summary>Every second call that waits ends with EINTR.</summary>
    Interrupted,

    /// <summary>Nothing is read or written but half of what is asked for.</summary>
    Short,

    /// <summary>A file that was written ends with EIO when it is closed.</summary>
    Close,
}

/// <summary>What a failing disk says.</summary>
internal enum Errno
{
    EIO = 5,
    ENOSPC = 28,
    EROFS = 30,
}
