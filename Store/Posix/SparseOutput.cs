using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store;

/// <summary>Writes a file from its start, or from where its position stands, leaving holes for blocks of zeros: a sparse image stays one.</summary>
internal sealed class SparseOutput(SafeFileHandle file, string subject, long start = 0)
{
    private const int HoleBytes = 4096;

    private long _length = start;
    private bool _endsInHole;

    public void Write(ReadOnlySpan<byte> bytes)
    {
        _length += bytes.Length;
        while (bytes.Length > 0)
        {
            var zeros = bytes.IndexOfAnyExcept((byte)0);
            zeros = (zeros < 0 ? bytes.Length : zeros) / HoleBytes * HoleBytes;
            _endsInHole = zeros > 0;
            if (_endsInHole)
            {
                Posix.SkipForward(file, zeros, subject);
                bytes = bytes[zeros..];
                continue;
            }
            var count = NextHole(bytes);
            Posix.Write(file, bytes[..count], subject);
            bytes = bytes[count..];
        }
    }

    /// <summary>Sets the length where it has to be: a hole at the end is not written otherwise.</summary>
    public void Finish()
    {
        if (_endsInHole)
            Posix.SetLength(file, _length, subject);
    }

    private static int NextHole(ReadOnlySpan<byte> bytes)
    {
        for (var at = HoleBytes; at + HoleBytes <= bytes.Length; at += HoleBytes)
        {
            if (bytes[at] == 0 && bytes.Slice(at, HoleBytes).IndexOfAnyExcept((byte)0) < 0)
                return at;
        }
        return bytes.Length;
    }
}
