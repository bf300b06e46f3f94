using System.ComponentModel;
using System.Diagnostics;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>The git program of this machine, with nothing that a repository says allowed to run.</summary>
internal static class GitProgram
{
    // Of whoever calls: a hook of another repository, for instance, would otherwise lead git there.
    private static readonly string[] Foreign =
    [
        "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_COMMON_DIR",
        "GIT_NAMESPACE", "GIT_QUARANTINE_PATH", "GIT_DEFAULT_HASH", "GIT_CONFIG", "GIT_CONFIG_PARAMETERS", "GIT_CONFIG_COUNT", "GIT_EXTERNAL_DIFF", "GIT_TRACE",
    ];

    private static readonly string[] Safe =
    [
        "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "fetch.recurseSubmodules=false", "-c", "transfer.fsckObjects=true",
        "-c", "protocol.allow=never", "-c", "protocol.https.allow=always", "-c", "protocol.http.allow=always", "-c", "protocol.ssh.allow=always",
        "-c", "protocol.file.allow=always", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "advice.detachedHead=false",
        // A mirror that a power cut damages has to be fetched again, and a server that stands still must not be waited for without end.
        "-c", "core.fsync=all", "-c", "http.lowSpeedLimit=1", "-c", "http.lowSpeedTime=120",
    ];

    /// <summary>Runs it in a bare repository and gives what it prints, or null and its complaint when it fails.</summary>
    /// <exception cref="IOException">There is no git program.</exception>
    public static (byte[]? Output, string Complaint) TryRun(string directory, CancellationToken cancellation, params string[] words) => TryRun(directory, long.MaxValue, cancellation, words);

    /// <summary>The same; more than <paramref name="maxBytes"/> is a failure too.</summary>
    public static (byte[]? Output, string Complaint) TryRun(string directory, long maxBytes, CancellationToken cancellation, params string[] words)
    {
        using var process = Start(directory, words);
        using var stop = cancellation.Register(() => process.Kill(entireProcessTree: true));
        var complaint = process.StandardError.ReadToEndAsync(CancellationToken.None);
        using var output = new MemoryStream();
        var piece = new byte[64 * 1024];
        for (int count; (count = process.StandardOutput.BaseStream.Read(piece)) > 0;)
        {
            output.Write(piece, 0, count);
            if (output.Length <= maxBytes)
                continue;
            process.Kill(entireProcessTree: true);
            break;
        }
        process.WaitForExit();
        cancellation.ThrowIfCancellationRequested();
        return (process.ExitCode == 0 ? output.ToArray() : null, complaint.Result.Trim());
    }

    private static Process Start(string directory, string[] words)
    {
        var start = new ProcessStartInfo("git", [.. Safe, "--git-dir=" + directory, .. words])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        foreach (var name in Foreign)
            start.Environment.Remove(name);
        // Nobody is there to answer, and messages are matched by people.
        start.Environment["GIT_TERMINAL_PROMPT"] = "0";
        // Wins over whatever a configuration allows.
        start.Environment["GIT_ALLOW_PROTOCOL"] = "https:http:ssh:file";
        start.Environment["LC_ALL"] = "C";
        try
        {
            var process = Process.Start(start)!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception failed)
        {
            throw new IOException($"git does not start: {failed.Message}", failed);
        }
    }
}
