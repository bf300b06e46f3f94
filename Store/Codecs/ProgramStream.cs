using System.ComponentModel;
using System.Diagnostics;

namespace ContentTree.Store.Codecs;

/// <summary>
/// What a program writes while it reads a source: two pipes, no shell, an empty environment. The program dies with the stream.
/// </summary>
internal sealed class ProgramStream : ReadOnlyStream
{
    private readonly Process _process;
    private readonly Thread _feeder;
    private Exception? _sourceError;
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
        _feeder = new Thread(() => Feed(source)) { IsBackground = true };
        _feeder.Start();
    }

    /// <exception cref="IOException">The program failed, or reading the source did.</exception>
    public override int Read(Span<byte> buffer)
    {
        var count = _process.StandardOutput.BaseStream.Read(buffer);
        if (count == 0 && buffer.Length > 0)
            CheckEnd();
        return count;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing && !_stopped)
        {
            Volatile.Write(ref _stopped, true);
            if (!_process.HasExited)
                _process.Kill();
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
            while (!Volatile.Read(ref _stopped) && (count = source.Read(buffer)) > 0)
                input.Write(buffer, 0, count);
        }
        catch (Exception failed) when (failed is IOException or FormatException or ObjectDisposedException)
        {
            _sourceError = failed;
        }
    }

    private void CheckEnd()
    {
        _process.WaitForExit();
        _feeder.Join();
        if (_process.ExitCode != 0)
            throw new IOException($"{_process.StartInfo.FileName} ended with {_process.ExitCode}");
        if (_sourceError is not null)
            throw new IOException($"{_process.StartInfo.FileName} was not given everything: {_sourceError.Message}", _sourceError);
    }
}
