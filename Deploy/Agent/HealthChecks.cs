using System.ComponentModel;
using System.Diagnostics;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Agent;

/// <summary>
/// The programs that say whether a trial is good: every executable of the given directories, by file name, one after the other.
/// Each has its own time; the first that fails ends the round.
/// </summary>
internal sealed class HealthChecks(IEnumerable<string> directories, TimeSpan timeout, TimeProvider clock, ILogger log)
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <summary>Why the trial is not good, or null when every check passed.</summary>
    public async Task<string?> RunAsync(CancellationToken cancellation)
    {
        foreach (var check in Find())
        {
            if (await RunAsync(check, cancellation).ConfigureAwait(false) is { } failure)
                return $"{check} {failure}";
        }
        return null;
    }

    private IEnumerable<string> Find()
    {
        var files = directories.Where(Directory.Exists).SelectMany(Directory.EnumerateFiles)
            .Where(path => Path.GetFileName(path)[0] != '.')
            .OrderBy(Path.GetFileName, StringComparer.Ordinal).ToArray();
        foreach (var path in files.Where(path => !IsExecutable(path)))
            Log.CheckNotExecutable(log, path);
        return files.Where(IsExecutable);
    }

    private static bool IsExecutable(string path) => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Executable) != 0;

    private async Task<string?> RunAsync(string check, CancellationToken cancellation)
    {
        using var limit = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var process = Process.Start(new ProcessStartInfo(check) { WorkingDirectory = "/", RedirectStandardInput = true });
            if (process is null)
                return "did not start";
            process.StandardInput.Close();
            return await EndAsync(process, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"did not end within {timeout.TotalSeconds:0.#} s";
        }
        catch (Win32Exception e)
        {
            return $"did not start: {e.Message}";
        }
    }

    private static async Task<string?> EndAsync(Process process, CancellationToken cancellation)
    {
        try
        {
            await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
            return process.ExitCode == 0 ? null : $"ended with {process.ExitCode}";
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }
}
