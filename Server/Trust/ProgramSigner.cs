using System.Diagnostics;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Trust;

/// <summary>
/// A program that signs with a key it does not show: it gets the bytes on its standard input and writes the signature, in DER, to its
/// standard output. Run by <c>/bin/sh</c>; 0 means that it signed.
/// </summary>
internal sealed class ProgramSigner(string command, PublicKey key, TimeSpan? limit = null) : ISigner
{
    private const int MaxSignatureBytes = 1024;

    // Somebody may have to touch a token or be asked by a key service; what hangs must not hold a publish for ever.
    private static readonly TimeSpan DefaultLimit = TimeSpan.FromMinutes(2);

    private readonly TimeSpan _limit = limit ?? DefaultLimit;

    public PublicKey Public => key;

    /// <exception cref="IOException">It failed, or what it wrote is no signature of its key.</exception>
    public byte[] Sign(ReadOnlySpan<byte> data)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardInput = true, RedirectStandardOutput = true })
            ?? throw new IOException($"'{command}' did not start");
        // A program that neither reads nor writes nor ends is ended: then reading and writing end too.
        var isLate = false;
        void End()
        {
            // Before the kill: whoever reads goes on at once.
            Volatile.Write(ref isLate, true);
            Kill(process);
        }
        using (new Timer(_ => End(), null, _limit, Timeout.InfiniteTimeSpan))
        {
            WriteInput(process, data);
            var signature = ReadOutput(process);
            process.WaitForExit();
            return Volatile.Read(ref isLate) && process.ExitCode != 0 ? throw new IOException($"'{command}' did not sign within {_limit.TotalSeconds:0} seconds") : Checked(process, data, signature);
        }
    }

    private byte[] Checked(Process process, ReadOnlySpan<byte> data, byte[] signature)
    {
        if (process.ExitCode != 0)
            throw new IOException($"'{command}' ended with {process.ExitCode} and signed nothing");
        return key.Verify(data, signature)
            ? signature
            : throw new IOException($"'{command}' did not write a signature of key {key.Id} in DER");
    }

    private static void Kill(Process process)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (InvalidOperationException)
        {
            // It has ended at this moment.
        }
    }

    // One that does not read all of it says why in its exit code.
    private static void WriteInput(Process process, ReadOnlySpan<byte> data)
    {
        try
        {
            process.StandardInput.BaseStream.Write(data);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
        }
    }

    private static byte[] ReadOutput(Process process)
    {
        var buffer = new byte[MaxSignatureBytes + 1];
        var length = process.StandardOutput.BaseStream.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        if (length > MaxSignatureBytes)
            process.Kill(entireProcessTree: true);
        return buffer[..Math.Min(length, MaxSignatureBytes)];
    }
}
