using ContentTree.Store;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Trust;

/// <summary>A statement on its way between machines: an envelope in a file that a person names.</summary>
internal static class StatementFile
{
    /// <exception cref="VerificationException">It is too long for a statement.</exception>
    public static byte[] Read(string path)
    {
        using var file = File.OpenRead(path);
        var buffer = new byte[Envelope.MaxBytes + 1];
        var length = file.ReadAtLeast(buffer, buffer.Length, throwOnEndOfStream: false);
        return length <= Envelope.MaxBytes
            ? buffer[..length]
            : throw new VerificationException(path, VerificationFailure.Malformed, "too long for a statement");
    }

    /// <summary>Whole or not at all: what was signed before must not be lost.</summary>
    public static void Write(string path, Envelope envelope)
    {
        var full = Path.GetFullPath(path);
        using var directory = Posix.OpenDirectory(Path.GetDirectoryName(full) ?? "/");
        DurableFiles.Replace(directory, System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(full)), envelope.Bytes.Span);
    }
}
