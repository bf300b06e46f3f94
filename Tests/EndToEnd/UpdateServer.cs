using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>The real <c>ctree-server</c>: its data in a directory, one process serving it.</summary>
internal sealed class UpdateServer : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(5);
    private static readonly string Program = BuiltProgram.Find("ctree-server", "Server", "Store");

    private readonly TemporaryDirectory _directory;
    private readonly StringBuilder _log = new();
    private readonly Process _serving;

    public UpdateServer(string below)
    {
        _directory = new TemporaryDirectory(below);
        Run("init");
        _serving = new Process
        {
            StartInfo = new ProcessStartInfo(Program, ["--data", Data, "serve", "--urls", "http://127.0.0.1:0", "--deltas", "0"])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            },
        };
        _serving.ErrorDataReceived += (_, line) => Add(line.Data);
        _serving.Start();
        _serving.BeginErrorReadLine();
        Address = ReadAddress();
    }

    /// <summary>Where it listens, on this machine.</summary>
    public Uri Address { get; }

    public string TrustRoot => Path.Combine(Data, "repo/trust/root.json");

    /// <summary>What it has logged so far.</summary>
    public string Log
    {
        get
        {
            lock (_log)
                return _log.ToString();
        }
    }

    private string Data => _directory["data"];

    /// <summary>Standard output of a command on its data.</summary>
    public string Run(params string[] words) => Programs.Run(_directory.Path, Program, ["--data", Data, .. words]);

    /// <summary>Publishes a directory on "main"; the commit.</summary>
    public string Publish(string tree, string version) =>
        Run("publish", "--branch", "main", "--version", version, tree).Trim().Split('\n')[^1];

    /// <summary>What it knows about a device.</summary>
    public JsonNode Show(string device) => JsonNode.Parse(Run("device", "show", device, "--json"))!;

    /// <summary>Whether a device has told that it runs this commit, confirmed and with nothing else to come.</summary>
    public bool IsGood(string device, string commit)
    {
        var known = Show(device);
        return known["running"]?.GetValue<string>() == commit && known["boot"]?.GetValue<string>() == "good" && known["wanted"] is null;
    }

    /// <summary>Waits until it is so; asks again every second, and tells this server's log when that takes too long.</summary>
    public void Eventually(Func<bool> holds, [System.Runtime.CompilerServices.CallerArgumentExpression(nameof(holds))] string? what = null)
    {
        var watch = Stopwatch.StartNew();
        while (!holds())
        {
            if (watch.Elapsed > Patience)
                throw new TimeoutException($"not within {Patience}: {what}; the server's log:\n{Log}");
            Task.Delay(TimeSpan.FromSeconds(1)).Wait();
        }
    }

    public void Dispose()
    {
        _serving.Kill(entireProcessTree: true);
        _serving.WaitForExit();
        _serving.Dispose();
        _directory.Dispose();
    }

    private Uri ReadAddress()
    {
        const string Announcement = "listening on ";
        while (_serving.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith(Announcement, StringComparison.Ordinal))
                return new Uri(line[Announcement.Length..]);
        }
        throw new InvalidOperationException($"the server ended:\n{Log}");
    }

    private void Add(string? line)
    {
        lock (_log)
            _log.Append(line).Append('\n');
    }
}
