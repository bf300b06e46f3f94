using System.Diagnostics;

namespace ContentTree.Tests.Support;

/// <summary>Runs real programs: the judges of our formats and the makers of awkward files.</summary>
public static class Shell
{
    public static string Run(string command, string? workingDirectory = null)
    {
        var (exit, output, error) = Try(command, workingDirectory);
        return exit == 0 ? output : throw new InvalidOperationException($"'{command}' ended with {exit}: {error}{output}");
    }

    public static (int Exit, string Output, string Error) Try(string command, string? workingDirectory = null)
    {
        using var process = Process.Start(new ProcessStartInfo("bash", ["-c", command])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = workingDirectory ?? "",
        })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
