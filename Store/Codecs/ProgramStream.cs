using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.ExceptionServices;

namespace ContentTree.Store.Codecs;

/// <summary>
/// What a program writes while it reads a source: two pipes, no shell, an empty environment. The program dies with the stream.
/// </summary>
internal sealed class ProgramStream : ReadOnlyStream
{
    private readonly Process _process;
    private readonly Thread _feeder;
    private readonly Timer _watch;
    private readonly Lock _lock = new();
    private Exception? _sourceError;
    private bool _isCut;
    private bool _hangs;
    private bool _isWaiting;
    private bool _stopped;

    /// <param name="source">Read to its end on a thread of its own; stays open.</param>
    /// <param name="program">An absolute path.</param>
    /// <param name="arguments">Given as they are.</param>
    /// <exception cref="IOException">The program does not start.</exception>
    public ProgramStream(Stream source, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment.Clear();
        try
        {
            _process = Process.Start(start)!;
        }
        catch (Win32Exception failed)
        {
            throw new IOException($"{program} does not start: {failed.Message}", failed);
        }
        _watch = new Timer(_ => End());
        _feeder = new Thread(() => Feed(source)) { IsBackground = true };
        _feeder.Start();
    }

    /// <summary>A program that takes and gives nothing for so long, while it is waited for, is ended.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromMinutes(1);

    /// <exception cref="IOException">The program failed or hangs, or reading the source failed.</exception>
    public override int Read(Span<byte> buffer)
    {
        Volatile.Write(ref _isWaiting, true);
        _watch.Change(Patience, Timeout.InfiniteTimeSpan);
        var count = _process.StandardOutput.BaseStream.Read(buffer);
        if (count == 0 && buffer.Length > 0)
            CheckEnd();
        Volatile.Write(ref _isWaiting, false);
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_stopped)
        {
            lock (_lock)
                Volatile.Write(ref _stopped, true);
            _watch.Dispose();
            Kill();
            _process.StandardOutput.Dispose();
            _feeder.Join();
            _process.Dispose();
        }
        base.Dispose(disposing);
    }

    private void Feed(Stream source)
    {
        try
        {
            using var input = _process.StandardInput.BaseStream;
            var buffer = new byte[16 << 10];
            int count;
            while (!Volatile.Read(ref _stopped) && (count = source.Read(buffer)) > 0 && TryWrite(input, buffer.AsSpan(0, count)))
            {
            }
        }
        catch (Exception failed)
        {
            // Whatever it is belongs to who reads: a thread that ends by it would end the process.
            _sourceError = failed;
        }
    }

    // False when the program takes no more: how it ends tells why.
    private bool TryWrite(Stream input, ReadOnlySpan<byte> bytes)
    {
        try
        {
            input.Write(bytes);
            if (Volatile.Read(ref _isWaiting))
                _watch.Change(Patience, Timeout.InfiniteTimeSpan);
            return true;
        }
        catch (Exception closed) when (closed is IOException or ObjectDisposedException)
        {
            _isCut = true;
            return false;
        }
    }

    private void End()
    {
        lock (_lock)
        {
            // A reader that takes its time is no fault of the program's.
            if (_stopped || !Volatile.Read(ref _isWaiting))
                return;
            Volatile.Write(ref _hangs, true);
            Kill();
        }
    }

    // With what it has started: a script's programs hold the pipes too.
    private void Kill()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
    }

    private void CheckEnd()
    {
        _process.WaitForExit();
        _feeder.Join();
        if (Volatile.Read(ref _hangs))
            throw new IOException($"{_process.StartInfo.FileName} did nothing for {Patience.TotalSeconds:0.#} s");
        if (_sourceError is IOException or FormatException or ObjectDisposedException)
            throw new IOException($"{_process.StartInfo.FileName} was not given everything: {_sourceError.Message}", _sourceError);
        if (_sourceError is not null)
            ExceptionDispatchInfo.Throw(_sourceError);
        if (_process.ExitCode != 0)
            throw new IOException($"{_process.StartInfo.FileName} ended with {_process.ExitCode}");
        if (_isCut)
            throw new IOException($"{_process.StartInfo.FileName} did not take everything");
    }
}
