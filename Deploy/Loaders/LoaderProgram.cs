using System.ComponentModel;
using System.Diagnostics;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Loaders;

/// <summary>Runs a program of a boot loader's own. One that is missing, fails or hangs is an error with a sentence.</summary>
internal static class LoaderProgram
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <param name="input">Its standard input.</param>
    /// <returns>What it wrote to standard output.</returns>
    /// <exception cref="StoppedException">It did not end with 0, or warned.</exception>
    public static string Run(string program, string input, params string[] words)
    {
        using var process = Start(program, words);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            throw Failed(program, $"did not end within {Patience.TotalSeconds} s");
        }
        var (text, said) = (output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult().Trim());
        // fw_printenv shows the built-in values of a damaged environment, and calls that a success.
        if (process.ExitCode != 0 || said.Contains("using default", StringComparison.OrdinalIgnoreCase) || said.Contains("bad crc", StringComparison.OrdinalIgnoreCase))
            throw Failed(program, $"ended with {process.ExitCode}: {said.ReplaceLineEndings(" ")}");
        return text;
    }

    private static Process Start(string program, string[] words)
    {
        try
        {
            var start = new ProcessStartInfo(program, words) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
            return Process.Start(start) ?? throw Failed(program, "did not start");
        }
        catch (Win32Exception e)
        {
            throw Failed(program, $"cannot be started: {e.Message}");
        }
    }

    private static StoppedException Failed(string program, string what) =>
        new(ExitCode.Failed, $"the boot loader does not answer: {program} {what}");
}
