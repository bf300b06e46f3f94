using System.Buffers;
using System.Text;

namespace ContentTree.BootFile;

/// <summary>
/// The few bytes that decide which kernel a loader starts: the start of one file on the boot partition, at most two sectors, always
/// overwritten in place. The agent prepares one for each proven kernel, so that the selector can point back without knowing loaders.
/// </summary>
public sealed class LoaderPointer
{
    private const int Sector = 512;
    private const int MaxBlock = 2 * Sector;
    private const int MaxName = 100;

    private static readonly SearchValues<char> NameCharacters =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._/-");

    private readonly byte[] _block;

    /// <param name="file">Below the boot directory, names joined by '/'.</param>
    /// <param name="block">One or two sectors.</param>
    public LoaderPointer(string file, byte[] block)
    {
        ArgumentNullException.ThrowIfNull(file);
        ArgumentNullException.ThrowIfNull(block);
        if (!IsValid(file, block.Length))
            throw new ArgumentException($"'{Text.Printable(file)}' with {block.Length} bytes is no loader pointer", nameof(file));
        File = file;
        _block = block;
    }

    /// <summary>The file below the boot directory.</summary>
    public string File { get; }

    /// <summary>What its start has to be.</summary>
    public ReadOnlyMemory<byte> Block => _block;

    /// <summary>The file's name in a line, then the block.</summary>
    public byte[] Encode() => [.. Encoding.ASCII.GetBytes(File), (byte)'\n', .. _block];

    /// <summary>What <see cref="Encode"/> wrote to <paramref name="path"/>, or null when nothing there can be used.</summary>
    public static LoaderPointer? Read(string path)
    {
        var bytes = RegularFile.TryReadAll(path, MaxName + 1 + MaxBlock);
        var end = bytes is null ? -1 : Array.IndexOf(bytes, (byte)'\n');
        if (bytes is null || end < 0)
            return null;
        var (file, block) = (Encoding.ASCII.GetString(bytes, 0, end), bytes[(end + 1)..]);
        return IsValid(file, block.Length) ? new LoaderPointer(file, block) : null;
    }

    /// <summary>Overwrites the start of the file, flushes it and reads it back from the medium.</summary>
    /// <exception cref="IOException">The file is missing or shorter, or it does not read back as written.</exception>
    public void Write(string directory)
    {
        var path = Path.Combine(directory, File);
        using (var file = RegularFile.Open(path, Kernel.O_WRONLY))
        {
            if (file.Size < _block.Length)
                throw new IOException($"{path} has {file.Size} bytes, too few to be overwritten in place");
            file.Overwrite(_block);
            file.FlushInPlace();
        }
        if (!SlotFile.ReadFromMedium(path, _block.Length).AsSpan().SequenceEqual(_block))
            throw new IOException($"{path} does not read back as written");
    }

    /// <inheritdoc/>
    public override string ToString() => File;

    private static bool IsValid(string file, int size)
    {
        if (file.Length is 0 or > MaxName || file.AsSpan().ContainsAnyExcept(NameCharacters) || size is not (Sector or MaxBlock))
            return false;
        foreach (var segment in file.Split('/'))
        {
            if (segment is "" or "." or "..")
                return false;
        }
        return true;
    }
}
