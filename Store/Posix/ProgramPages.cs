using System.Globalization;

namespace ContentTree.Store;

/// <summary>The pages of the program and its libraries, which a process that sleeps for half an hour does not need.</summary>
public static class ProgramPages
{
    private const int MADV_DONTNEED = 4;

    /// <summary>
    /// Unmaps them. They stay in the page cache, but as pages that nobody uses, so a board that is short of memory takes these first;
    /// what is needed again is mapped again when it is touched.
    /// </summary>
    public static void Release()
    {
        var (address, length) = ((nint)0, (nint)0);
        foreach (var line in File.ReadLines("/proc/self/smaps"))
        {
            if (TryParseFile(line, out var found))
                (address, length) = found;
            // A page with relocations of its own would be lost, in memory or swapped out: only mappings that have none of either.
            else if (line.StartsWith("Anonymous:", StringComparison.Ordinal) && !line.EndsWith(" 0 kB", StringComparison.Ordinal))
                length = 0;
            else if (line.StartsWith("Swap:", StringComparison.Ordinal))
            {
                if (length > 0 && line.EndsWith(" 0 kB", StringComparison.Ordinal))
                    _ = Libc.AdviseMemory(address, length, MADV_DONTNEED);
                length = 0;
            }
        }
    }

    // proc(5): "address-address perms offset dev inode path"; only what cannot be written to and comes from a file.
    private static bool TryParseFile(string line, out (nint Address, nint Length) found)
    {
        found = default;
        var fields = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        if (fields.Length < 6 || fields[1].Length != 4 || fields[1][1] == 'w' || fields[1][3] != 'p' || !fields[5].StartsWith('/'))
            return false;
        var ends = fields[0].Split('-');
        var start = nint.Parse(ends[0], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
        found = (start, nint.Parse(ends[1], NumberStyles.HexNumber, CultureInfo.InvariantCulture) - start);
        return true;
    }
}
