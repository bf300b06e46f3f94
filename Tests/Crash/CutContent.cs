namespace ContentTree.Tests.Crash;

/// <summary>The disk as a power cut left it, in memory, and its root partition, or all of it, as a file that a kernel can mount.</summary>
internal sealed class CutContent : IDisposable
{
    private const int Chunk = 256 << 10;

    private readonly IReadOnlyList<BlockWrite> _writes;
    private readonly byte[] _before, _durable, _wanted;
    private readonly List<BlockWrite> _differing = [];
    private readonly FileStream _file;
    private readonly int _from;
    private int _at;

    /// <param name="disk">The disk before the first of the writes.</param>
    /// <param name="path">Where the file is made.</param>
    /// <param name="from">Where on the disk the file begins.</param>
    public CutContent(byte[] disk, IReadOnlyList<BlockWrite> writes, string path, int from = CutDisk.RootStart)
    {
        (_writes, _from) = (writes, from);
        (_before, _durable, _wanted) = (disk, [.. disk], [.. disk]);
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.ReadWrite, bufferSize: 0);
        _file.SetLength(disk.Length - from);
    }

    public string FilePath => _file.Name;

    public ReadOnlySpan<byte> Fat => _wanted.AsSpan(CutDisk.FatStart, CutDisk.FatSize);

    /// <summary>Back to the beginning of the log.</summary>
    public void Restart()
    {
        _before.CopyTo(_durable, 0);
        _before.CopyTo(_wanted, 0);
        _differing.Clear();
        _at = 0;
    }

    /// <summary>Makes the disk what the state says, whatever was done to it before. States come in the order of the log.</summary>
    public void Become(CutState state)
    {
        if (state.Start < _at)
            throw new ArgumentException($"{state} comes before what was there", nameof(state));
        foreach (var write in _differing)
            _durable.AsSpan((int)write.Offset, write.Data.Length).CopyTo(_wanted.AsSpan((int)write.Offset));
        _differing.Clear();
        for (; _at < state.Start; _at++)
        {
            Put(_durable, _writes[_at], 0);
            Put(_wanted, _writes[_at], 0);
        }
        foreach (var index in state.Kept)
        {
            _differing.Add(_writes[index]);
            Put(_wanted, _writes[index], index == state.Kept[^1] ? state.Torn : 0);
        }
        WriteFile();
    }

    public void Dispose() => _file.Dispose();

    public static void Put(byte[] disk, BlockWrite write, int torn) =>
        write.Data.AsSpan(0, torn > 0 ? torn : write.Data.Length).CopyTo(disk.AsSpan((int)write.Offset));

    // Most of it is as it was: memory that is only compared is cheap.
    private void WriteFile()
    {
        var present = new byte[Chunk];
        for (var at = 0; _from + at < _wanted.Length; at += Chunk)
        {
            var wanted = _wanted.AsSpan(_from + at, Chunk);
            RandomAccess.Read(_file.SafeFileHandle, present, at);
            if (!wanted.SequenceEqual(present))
                RandomAccess.Write(_file.SafeFileHandle, wanted, at);
        }
    }
}
