using System.Text;

namespace ContentTree.Store;

/// <summary>The kernel's own log, where this process may read it.</summary>
public static class KernelLog
{
    private const int ReadAll = 3;
    private const int Size = 10;

    /// <summary>Its last bytes as text; "" where they cannot be read.</summary>
    public static unsafe string Tail(int maxBytes)
    {
        var size = Libc.klogctl(Size, null, 0);
        if (size <= 0)
            return "";
        var buffer = new byte[size];
        fixed (byte* start = buffer)
        {
            var read = Libc.klogctl(ReadAll, start, size);
            return read <= 0 ? "" : Encoding.UTF8.GetString(buffer.AsSpan(Math.Max(0, read - maxBytes), Math.Min(read, maxBytes)));
        }
    }
}
