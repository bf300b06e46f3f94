using System.ComponentModel;
using System.Diagnostics;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources;

/// <summary>A file's content, unpacked by the program for it where it is packed. Unlike a prefix of an object, all of it must be sound.</summary>
internal sealed class PackedFile : IDisposable
{
    private readonly string _path;
    private readonly FileStream? _file;
    private readonly Process? _process;
    private readonly Task<string>? _complaint;

    /// <param name="reader">The program that makes the content of the file; null tells it by the file's first bytes.</param>
    /// <exception cref="UnsupportedSourceException">The file cannot be read, or the program for it is not there.</exception>
    public PackedFile(string path, Decompressor? reader = null)
    {
        _path = path;
        try
        {
            var file = File.OpenRead(path);
            Span<byte> start = stackalloc byte[Decompressor.MagicLength];
            if ((reader ?? Decompressor.For(start[..file.ReadAtLeast(start, start.Length, throwOnEndOfStream: false)])) is { } packed)
            {
                file.Dispose();
                _process = Start(packed, path);
                _complaint = _process.StandardError.ReadToEndAsync();
                return;
            }
            file.Position = 0;
            _file = file;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UnsupportedSourceException(path, $"cannot be read: {e.Message}");
        }
    }

    public Stream Content => _file ?? _process!.StandardOutput.BaseStream;

    /// <summary>Reads what is left, which nobody needs, and sees how the program ends.</summary>
    /// <exception cref="FormatException">It found damage.</exception>
    public void RequireEnd()
    {
        if (Complaint() is { } complaint)
            throw new FormatException(complaint);
    }

    /// <summary>What is wrong with the packed file; null when nothing is, or it is not packed.</summary>
    public string? Complaint()
    {
        if (_process is null)
            return null;
        Content.CopyTo(Stream.Null);
        _process.WaitForExit();
        return _process.ExitCode == 0 ? null : $"cannot be unpacked: {_complaint!.Result.Trim()}";
    }

    public void Dispose()
    {
        _file?.Dispose();
        if (_process is null)
            return;
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    // It opens the file itself: nothing has to be fed to it.
    private static Process Start(Decompressor packed, string path)
    {
        try
        {
            return Process.Start(new ProcessStartInfo(packed.Program, [.. packed.Words, "--", Path.GetFullPath(path)])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
        }
        catch (Win32Exception failed)
        {
            throw new UnsupportedSourceException(path, $"is packed, and {packed.Program} does not start: {failed.Message}");
        }
    }
}
