namespace ContentTree.BootFile;

/// <summary>One of the two slots on disk: created once at its full size, then only ever overwritten in place.</summary>
internal static class SlotFile
{
    private const int DirectAlignment = 4096;

    /// <summary>Makes an absent slot; one of a wrong size holds nothing and is set right. Both are durable afterwards.</summary>
    public static void Create(string path)
    {
        if (Kernel.StatusOf(path) is { IsRegular: true, Size: BootRecord.Size })
            return;
        var blank = new byte[BootRecord.Size];
        blank.AsSpan().Fill((byte)'\n');
        using var file = OpenOrCreate(path);
        file.SetSize(BootRecord.Size);
        file.Overwrite(blank);
        // FAT: its cluster is in the table before its name leads there.
        FlushDirectory(Path.GetDirectoryName(path)!);
        file.Flush();
    }

    /// <summary>Never throws: whatever stands there instead of a slot is a problem to tell of.</summary>
    public static SlotReading Read(string path)
    {
        try
        {
            using var file = RegularFile.Open(path, Kernel.O_RDONLY);
            if (file.Size != BootRecord.Size)
                return new SlotReading(path, null, $"{file.Size} bytes instead of {BootRecord.Size}");
            var bytes = new byte[BootRecord.Size];
            BootRecord.TryDecode(bytes.AsSpan(0, file.Read(bytes)), out var record, out var problem);
            return new SlotReading(path, record, problem);
        }
        catch (IOException e)
        {
            return new SlotReading(path, null, e.Message);
        }
    }

    /// <exception cref="IOException">The slot is no regular file of its size, or does not read back from the medium as written.</exception>
    public static void Write(string path, byte[] bytes)
    {
        using (var file = RegularFile.Open(path, Kernel.O_WRONLY))
        {
            if (file.Size != BootRecord.Size)
                throw new IOException($"{path} has {file.Size} bytes instead of {BootRecord.Size}");
            file.Overwrite(bytes);
            file.FlushInPlace();
        }
        if (!ReadFromMedium(path, BootRecord.Size).AsSpan().SequenceEqual(bytes))
            throw new IOException($"{path} does not read back as written");
    }

    public static void FlushDirectory(string path)
    {
        var fd = Kernel.Open(path, Kernel.O_RDONLY | Kernel.O_DIRECTORY | Kernel.O_CLOEXEC, 0);
        if (fd < 0)
            throw Kernel.Error("cannot open", path);
        var failed = Kernel.Flush(fd) != 0;
        var error = failed ? Kernel.Error("cannot flush", path) : null;
        _ = Kernel.close(fd);
        if (error is not null)
            throw error;
    }

    private static RegularFile OpenOrCreate(string path) => Kernel.StatusOf(path) is null
        ? RegularFile.Open(path, Kernel.O_WRONLY | Kernel.O_CREAT | Kernel.O_EXCL)
        : RegularFile.Open(path, Kernel.O_WRONLY);

    /// <summary>The first bytes of a file, at most 4096, past the cache where the file system lets us.</summary>
    public static byte[] ReadFromMedium(string path, int size)
    {
        try
        {
            return ReadDirect(path, size);
        }
        catch (IOException)
        {
            // tmpfs, FUSE and others know no O_DIRECT.
            return ReadUncached(path, size);
        }
    }

    private static byte[] ReadDirect(string path, int size)
    {
        using var file = RegularFile.Open(path, Kernel.O_RDONLY | Kernel.O_DIRECT);
        // O_DIRECT wants an aligned buffer, and a pinned array big enough always holds an aligned part.
        var pinned = GC.AllocateArray<byte>(2 * DirectAlignment, pinned: true);
        var skip = AlignedStart(pinned);
        var count = file.Read(pinned.AsSpan(skip, DirectAlignment));
        return pinned.AsSpan(skip, Math.Min(count, size)).ToArray();
    }

    private static unsafe int AlignedStart(byte[] pinned)
    {
        fixed (byte* start = pinned)
            return (int)((DirectAlignment - (nint)start % DirectAlignment) % DirectAlignment);
    }

    private static byte[] ReadUncached(string path, int size)
    {
        using var file = RegularFile.Open(path, Kernel.O_RDONLY);
        file.DropCached();
        var bytes = new byte[size];
        return bytes[..file.Read(bytes)];
    }
}
