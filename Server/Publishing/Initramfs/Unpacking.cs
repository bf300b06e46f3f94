using System.ComponentModel;
using System.Diagnostics;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Initramfs;

/// <summary>What a decompressor makes of the rest of a stream. It ends with this object, however much is left.</summary>
internal sealed class Unpacking : IDisposable
{
    private readonly Process _process;
    private readonly Task _feeding;

    private Unpacking(Process process, byte[] start, Stream rest)
    {
        _process = process;
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        _feeding = Task.Run(() => Feed(start, rest));
    }

    public Stream Content => _process.StandardOutput.BaseStream;

    /// <param name="start">What was read of it already.</param>
    /// <param name="rest">Belongs to this object as long as that lives.</param>
    /// <returns>Null when it is of no known kind.</returns>
    /// <exception cref="IOException">The program for it is not there.</exception>
    public static Unpacking? TryStart(byte[] start, Stream rest)
    {
        if (Decompressor.For(start) is not var (program, words))
            return null;
        try
        {
            return new Unpacking(Process.Start(new ProcessStartInfo(program, words)
            {
                RedirectStandardInput = true,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!, start, rest);
        }
        catch (Win32Exception failed)
        {
            throw new IOException($"{program} does not start: {failed.Message}", failed);
        }
    }

    public void Dispose()
    {
        _process.Kill();
        _feeding.Wait();
        _process.Dispose();
    }

    private void Feed(byte[] start, Stream rest)
    {
        try
        {
            using var input = _process.StandardInput.BaseStream;
            input.Write(start);
            rest.CopyTo(input);
        }
        catch (Exception e) when (e is IOException or CorruptObjectException)
        {
            // The program has ended or the object is damaged: either way whoever reads finds no more.
        }
    }
}
