using System.Diagnostics;

namespace ContentTree.Tests.EndToEnd;

/// <summary>Runs the programs the end-to-end tests need; a failure carries what the program said.</summary>
internal static class Programs
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);

    /// <summary>Standard output of a program that ends with 0.</summary>
    public static string Run(string directory, string program, params string[] words)
    {
        var start = new ProcessStartInfo(program, words)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} did not start");
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', words)} took longer than {Patience}");
        }
        return process.ExitCode == 0
            ? output.Result
            : throw new InvalidOperationException($"{program} {string.Join(' ', words)}: exit code {process.ExitCode}\n{output.Result}{errors.Result}");
    }

    /// <summary>Whether the program is on the path.</summary>
    public static bool Has(string program) =>
        (Environment.GetEnvironmentVariable("PATH") + ":/usr/sbin:/sbin").Split(':').Any(directory => File.Exists(Path.Combine(directory, program)));
}
