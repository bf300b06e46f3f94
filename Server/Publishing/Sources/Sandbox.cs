using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources;

/// <summary>
/// Runs a source's program where it sees the system's programs, its source and an empty directory, and no network, no other file and no other
/// process: by bubblewrap, with limits by prlimit.
/// </summary>
internal static class Sandbox
{
    // What it printed last is what a person needs to know.
    private const int Told = 4096;

    private const string Nobody = "65534";
    private const string Processes = "4096";

    /// <exception cref="UnsupportedSourceException">The program failed or took too long; with what it printed last.</exception>
    /// <exception cref="IOException">There is no bubblewrap.</exception>
    public static void Run(string source, string program, string made, BuildLimits limits, CancellationToken cancellation)
    {
        using var process = Start(source, program, made, limits);
        using var late = new CancellationTokenSource(limits.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellation);
        using var kill = stop.Token.Register(() => process.Kill(entireProcessTree: true));
        var printed = LastOf(process.StandardOutput);
        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        if (late.IsCancellationRequested)
            throw new UnsupportedSourceException(program, $"took longer than {limits.Time.TotalMinutes:0.#} minutes{printed}");
        if (process.ExitCode != 0)
            throw new UnsupportedSourceException(program, $"ended with {process.ExitCode}{printed}");
    }

    private static Process Start(string source, string program, string made, BuildLimits limits)
    {
        var memory = limits.Memory.ToString(CultureInfo.InvariantCulture);
        string[] words =
        [
            // As nobody of importance, also where root publishes: with its rights the program could mount what it may only read again, to write.
            "--unshare-all", "--unshare-user", "--uid", Nobody, "--gid", Nobody, "--cap-drop", "ALL", "--disable-userns", "--die-with-parent", "--new-session", "--clearenv", "--setenv", "PATH", "/usr/bin:/bin:/usr/sbin:/sbin", "--setenv", "HOME", "/tmp",
            "--setenv", "LC_ALL", "C.UTF-8", "--setenv", "SOURCE_DATE_EPOCH", "1",
            "--ro-bind", "/usr", "/usr", "--symlink", "usr/bin", "/bin", "--symlink", "usr/sbin", "/sbin", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64", "/lib64",
            "--ro-bind-try", "/etc/alternatives", "/etc/alternatives", "--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache",
            "--proc", "/proc", "--dev", "/dev", "--size", memory, "--tmpfs", "/tmp", "--size", memory, "--tmpfs", "/dev/shm",
            "--ro-bind", source, "/source", "--bind", made, "/made", "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/source",
            // Standard error goes the way of standard output, so that a person reads both in their order.
            "prlimit", "--as=" + memory, "--fsize=" + memory, "--nproc=" + Processes, "--core=0", "--", "/bin/sh", "-c", "exec \"$0\" \"$@\" 2>&1", "/source/" + program, "/made",
        ];
        try
        {
            var process = Process.Start(new ProcessStartInfo("bwrap", words) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception failed)
        {
            throw new IOException($"bwrap does not start, and nothing is built without it ({failed.Message}): install the Debian package bubblewrap", failed);
        }
    }

    private static string LastOf(StreamReader output)
    {
        var (buffer, last) = (new char[Told], "");
        for (int count; (count = output.Read(buffer)) > 0;)
            last = last + new string(buffer, 0, count) is { Length: > Told } longer ? longer[^Told..] : last + new string(buffer, 0, count);
        return last.Length > 0 ? $":\n{last.TrimEnd()}" : "";
    }
}
