using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace ContentTree.Deploy.Health;

/// <summary>Runs one check and keeps the end of what it wrote.</summary>
internal sealed class CheckProgram(TimeSpan timeout, TimeProvider clock)
{
    private const int KeptOutput = 4096;

    // A child that left the check's group may hold its output open for ever.
    private static readonly TimeSpan OutputPatience = TimeSpan.FromSeconds(1);

    /// <summary>Why the check failed, or null.</summary>
    public Task<CheckFailure?> RunAsync(string check, CancellationToken cancellation) => RunAsync(check, [], cancellation);

    /// <summary>The same for a program that is told more than others.</summary>
    public async Task<CheckFailure?> RunAsync(string check, IEnumerable<KeyValuePair<string, string>> environment, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(check);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        // Apart, because the two are read side by side: what is said last on stderr must not vanish behind what stdout still holds.
        var (output, errors) = (new OutputTail(KeptOutput), new OutputTail(KeptOutput / 2));
        var reason = await RunAsync(start, output, errors, cancellation).ConfigureAwait(false);
        var last = errors.Last(KeptOutput);
        return reason is null ? null : new CheckFailure(check, reason, output.Last(KeptOutput - last.Length) + last);
    }

    /// <summary>What a program prints, or null when it fails or takes too long.</summary>
    public async Task<string?> PrintedAsync(string program, string[] arguments, CancellationToken cancellation)
    {
        var output = new OutputTail(KeptOutput);
        return await RunAsync(new ProcessStartInfo(program, arguments), output, new OutputTail(0), cancellation).ConfigureAwait(false) is null ? output.Last(KeptOutput) : null;
    }

    private async Task<string?> RunAsync(ProcessStartInfo start, OutputTail output, OutputTail errors, CancellationToken cancellation)
    {
        start.WorkingDirectory = "/";
        start.RedirectStandardInput = start.RedirectStandardOutput = start.RedirectStandardError = true;
        start.StandardOutputEncoding = start.StandardErrorEncoding = Encoding.UTF8;
        using var limit = new CancellationTokenSource(timeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellation);
        try
        {
            using var process = Process.Start(start);
            if (process is null)
                return "did not start";
            process.StandardInput.Close();
            var written = Task.WhenAll(output.ReadAsync(process.StandardOutput), errors.ReadAsync(process.StandardError));
            var reason = await EndAsync(process, either.Token).ConfigureAwait(false);
            await Task.WhenAny(written, Task.Delay(OutputPatience, CancellationToken.None)).ConfigureAwait(false);
            return reason;
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
