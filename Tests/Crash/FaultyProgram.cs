using System.Diagnostics;
using ContentTree.Tests.EndToEnd;
using ContentTree.Tests.Server;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>The built <c>ctree</c> with <c>faults.c</c> between it and libc.</summary>
internal static class FaultyProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    public static string Program { get; } = BuiltProgram.Find("ctree", "Deploy", "Store", "BootSelector/BootFile");

    public static string Shim { get; } = NativeSource.Compile("faults", "faults.so", "-shared -fPIC");

    /// <summary>Runs it below a root, with a fault or none; the calls that were counted go to <paramref name="log"/>.</summary>
    public static Task<ProgramEnd> RunAsync(string root, string[] words, Fault? fault, string? log = null) =>
        RunAsync(new ProcessStartInfo(Program, ["--root", root, .. words]), fault, log);

    /// <summary>The same with <c>ctree-server</c> on its data directory.</summary>
    public static Task<ProgramEnd> RunServerAsync(string data, string[] words, Fault? fault, string? log = null)
    {
        var start = new ProcessStartInfo("dotnet", [ServerProcess.Program, "--data", data, .. words]);
        // What the runtime writes for debuggers is not the program's.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        return RunAsync(start, fault, log);
    }

    /// <summary>Runs one that does not end by itself, until it was killed or is done; then nothing is left of it.</summary>
    public static async Task RunUntilAsync(string root, string[] words, Fault? fault, string? log, Func<bool> isDone)
    {
        var start = new ProcessStartInfo(Program, ["--root", root, .. words]);
        Prepare(start, fault, log);
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        var watch = Stopwatch.StartNew();
        while (!process.WaitForExit(20) && !isDone())
        {
            if (watch.Elapsed < Patience)
                continue;
            process.Kill();
            throw new TimeoutException($"{string.Join(' ', words)} was not done within {Patience}: {await output}{await error}");
        }
        // Done is not over: the calls after it are on trial as well.
        if (fault is null || !process.WaitForExit(TimeSpan.FromMilliseconds(300)))
            process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>Starts <c>ctree-server</c> to serve a data directory, until it is killed.</summary>
    public static Process Serve(string data, string url, Fault? fault, string? log)
    {
        var start = new ProcessStartInfo("dotnet", [ServerProcess.Program, "--data", data, "serve", "--urls", url, "--deltas", "0"]);
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        Prepare(start, fault, log);
        var process = Process.Start(start)!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static void Prepare(ProcessStartInfo start, Fault? fault, string? log)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        start.Environment["LD_PRELOAD"] = Shim;
        if (log is not null)
            start.Environment["FAULT_LOG"] = log;
        foreach (var (name, value) in fault?.Environment ?? [])
            start.Environment[name] = value;
    }

    private static async Task<ProgramEnd> RunAsync(ProcessStartInfo start, Fault? fault, string? log)
    {
        Prepare(start, fault, log);
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
            throw new TimeoutException($"{start.FileName} {string.Join(' ', start.ArgumentList)} took longer than {Patience}");
        }
        return new ProgramEnd(process.ExitCode, await output, await error);
    }

    /// <summary>Runs it whole, and counts its calls below the root as the shim and as strace see them.</summary>
    public static async Task<(int Counted, int Seen)> TraceAsync(string root, string[] words)
    {
        var (log, trace) = (root + ".log", root + ".trace");
        string[] calls = ["write", "writev", "pwrite64", "pwritev", "fsync", "fdatasync", "syncfs", "truncate", "ftruncate", "fallocate", "rename", "renameat",
            "renameat2", "link", "linkat", "unlink", "unlinkat", "rmdir", "symlink", "symlinkat", "mkdir", "mkdirat", "mknodat", "chmod", "fchmod", "fchmodat",
            "fchown", "fchownat", "utimensat", "setxattr", "lsetxattr", "fsetxattr", "open", "openat", "copy_file_range", "sendfile"];
        var text = $"strace -f -y -qq -s 0 -E LD_PRELOAD='{Shim}' -E FAULT_LOG='{log}' -e trace={string.Join(',', calls)} -o '{trace}' '{Program}' --root '{root}' {string.Join(' ', words)}";
        try
        {
            await Task.Run(() => Shell.Run(text));
            var changing = File.ReadLines(trace).Where(line => line.Contains(root + "/", StringComparison.Ordinal) && !line.Contains(log, StringComparison.Ordinal));
            var seen = changing.Count(line => !line.Contains("resumed>", StringComparison.Ordinal) &&
                (!line.Contains(" open", StringComparison.Ordinal) || line.Contains("O_CREAT", StringComparison.Ordinal) || line.Contains("O_TRUNC", StringComparison.Ordinal)));
            return (File.ReadLines(log).Count(line => line.Contains(root + "/", StringComparison.Ordinal)), seen);
        }
        finally
        {
            File.Delete(log);
            File.Delete(trace);
        }
    }
}

/// <summary>How a program ended; a killed one with 137.</summary>
internal sealed record ProgramEnd(int Code, string Output, string Error)
{
    public bool WasKilled => Code == 137;
}
