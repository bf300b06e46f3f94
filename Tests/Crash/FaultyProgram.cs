using System.Diagnostics;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>The built <c>ctree</c> with <c>faults.c</c> between it and libc.</summary>
internal static class FaultyProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static string Program { get; } = BuiltProgram.Find("ctree", "Deploy", "Store", "BootSelector/BootFile");

    public static string Shim { get; } = Compile();

    /// <summary>Runs it below a root, with a fault or none; the calls that were counted go to <paramref name="log"/>.</summary>
    public static async Task<ProgramEnd> RunAsync(string root, string[] words, Fault? fault, string? log = null)
    {
        var start = new ProcessStartInfo(Program, ["--root", root, .. words]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["LD_PRELOAD"] = Shim;
        if (log is not null)
            start.Environment["FAULT_LOG"] = log;
        foreach (var (name, value) in fault?.Environment ?? [])
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(Patience);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
            throw new TimeoutException($"ctree {string.Join(' ', words)} took longer than {Patience}");
        }
        return new ProgramEnd(process.ExitCode, await output, await error);
    }

    private static string Compile()
    {
        var directory = ProjectFiles.PathOf(".work/crash");
        var shim = Path.Combine(directory, "faults.so");
        Directory.CreateDirectory(directory);
        Shell.Run($"gcc -shared -fPIC -O2 -Wall -Wextra -Werror -o '{shim}.new' '{ProjectFiles.PathOf("Tests/Crash/faults.c")}' && mv '{shim}.new' '{shim}'");
        return shim;
    }
}

/// <summary>How a program ended; a killed one with 137.</summary>
internal sealed record ProgramEnd(int Code, string Output, string Error)
{
    public bool WasKilled => Code == 137;
}
