using System.Diagnostics;
using System.Globalization;

namespace ContentTree.Tests.Server;

/// <summary>ctree-server as a program of its own, to be killed or to run as somebody else.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly Task<string> _output;

    private ServerProcess(ProcessStartInfo start, bool readOutput)
    {
        start.RedirectStandardOutput = true;
        start.RedirectStandardError = true;
        _process = Process.Start(start)!;
        _error = _process.StandardError.ReadToEndAsync();
        _output = readOutput ? _process.StandardOutput.ReadToEndAsync() : Task.FromResult("");
    }

    public string Output => _output.Result;

    public string Error => _error.Result;

    /// <summary>What the runtime runs.</summary>
    public static string Program => typeof(ContentTree.Server.Commands.CommandLine).Assembly.Location;

    // A test run in the background has its interrupts ignored, and programs inherit that: a signal would wait for ever.
    public static ServerProcess Start(params string[] args) =>
        new(new ProcessStartInfo("env", ["--default-signal=HUP,INT,QUIT,TERM", "dotnet", Program, .. args]), readOutput: true);

    /// <summary>As <see cref="Start"/>, allowed few open files.</summary>
    public static ServerProcess StartWithOpenFiles(int limit, params string[] args) =>
        new(new ProcessStartInfo("prlimit", [$"--nofile={limit}:{limit}", "dotnet", Program, .. args]), readOutput: true);

    public static ServerProcess StartAs(int uid, params string[] args)
    {
        var id = uid.ToString(CultureInfo.InvariantCulture);
        // The user's own home does not exist, and the programs are root's to read: a copy in /tmp is everybody's.
        var copy = Directory.CreateTempSubdirectory("ctree-server-").FullName;
        Support.Shell.Run($"cp -r '{Path.GetDirectoryName(Program)}/.' '{copy}'; chmod -R a+rX '{copy}'");
        var start = new ProcessStartInfo("setpriv", ["--reuid", id, "--regid", id, "--clear-groups", "dotnet", Path.Combine(copy, Path.GetFileName(Program)), .. args]);
        start.Environment["HOME"] = copy;
        start.Environment["DOTNET_CLI_HOME"] = copy;
        return new ServerProcess(start, readOutput: true) { Leftovers = copy };
    }

    /// <summary>Starts serving; the address it listens on.</summary>
    public static async Task<(ServerProcess Process, string Url)> ServeAsync(string data, string urls = "http://127.0.0.1:0", int deltas = 0, params string[] options)
    {
        var server = new ServerProcess(new ProcessStartInfo("env", ["--default-signal=HUP,INT,QUIT,TERM", "dotnet", Program, "--data", data, "serve", "--urls", urls, "--deltas", $"{deltas}", .. options]), readOutput: false);
        const string prefix = "listening on ";
        while (await server._process.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.StartsWith(prefix, StringComparison.Ordinal))
                return (server, line[prefix.Length..]);
            server.Said += line + "\n";
        }
        throw new InvalidOperationException(server.Error);
    }

    /// <summary>What it printed before it listened.</summary>
    public string Said { get; private set; } = "";

    private string? Leftovers { get; init; }

    public async Task<int> WaitAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await _process.WaitForExitAsync(patience.Token);
        await Task.WhenAll(_error, _output);
        return _process.ExitCode;
    }

    /// <summary>kill -9; false when the program had ended by itself.</summary>
    public async Task<bool> KillAsync()
    {
        _process.Kill();
        await WaitAsync();
        return _process.ExitCode == 128 + 9;
    }

    public int Id => _process.Id;

    /// <summary>Sends a signal by its name; how the program ended.</summary>
    public async Task<int> SignalAsync(string signal)
    {
        Support.Shell.Run($"kill -{signal} {_process.Id}");
        return await WaitAsync();
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
        if (Leftovers is not null)
            Directory.Delete(Leftovers, recursive: true);
    }
}
