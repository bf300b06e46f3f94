using System.Text;
using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// A file of which some ranges are here, <c>incoming/NAME.part</c>, and the two records beside it. <c>NAME.written.part</c> is
/// overwritten after every piece and not flushed: it counts after a kill, when the kernel still has every byte, and only in the
/// boot that wrote it. <c>NAME.synced.part</c> is replaced durably after the data was flushed: it counts after a power cut.
/// </summary>
internal sealed class SparsePart : IDisposable
{
    private const long FlushBytes = 1 << 20;
    private static readonly TimeSpan FlushTime = TimeSpan.FromSeconds(15);

    private readonly Lock _lock = new();
    private readonly Lock _flushing = new();
    private readonly SafeFileHandle _directory;
    private readonly string _name;
    private readonly string _boot;
    private readonly TimeProvider _clock;
    private readonly SafeFileHandle _data;
    private readonly SafeFileHandle _written;
    private readonly RangeSet _present = new([]);
    private readonly Dictionary<string, string> _tags = [];
    private long _dirty;
    private long _flushed;
    private bool _removed;

    public SparsePart(SafeFileHandle directory, string name, TimeProvider clock, string? boot = null)
    {
        (_directory, _name, _clock) = (directory, name, clock);
        _boot = boot ?? CurrentBoot();
        _data = Posix.OpenOrCreateAt(directory, FileName(".part"), 0x180);
        _written = Posix.OpenOrCreateAt(directory, FileName(".written.part"), 0x180);
        _flushed = clock.GetTimestamp();
        Restore();
    }

    /// <summary>Bytes of the whole file; null as long as no answer said so.</summary>
    public long? Length { get; private set; }

    /// <summary>Rises with every <see cref="Start"/>.</summary>
    public int Generation { get; private set; }

    /// <summary>Bytes that are here.</summary>
    public long PresentBytes
    {
        get
        {
            lock (_lock)
                return _present.Bytes;
        }
    }

    /// <summary>Bytes that are here from the start on, without a gap.</summary>
    public long Prefix
    {
        get
        {
            lock (_lock)
                return _present.FirstGap(0, Length ?? 0).From;
        }
    }

    /// <summary>Everything is here.</summary>
    public bool IsComplete => Length is { } length && Contains(new ByteRange(0, length));

    /// <summary>Whether an earlier run left something under this name.</summary>
    public static bool Exists(SafeFileHandle directory, string name) => Posix.StatAt(directory, Encoding.ASCII.GetBytes($"{name}.part")) is not null;

    /// <summary>Removes what interrupted downloads left of files that are no longer needed.</summary>
    public static void RemoveAll(SafeFileHandle directory)
    {
        foreach (var (name, _) in Posix.ReadDirectory(directory, "incoming"))
        {
            if (name.AsSpan().EndsWith(".part"u8))
                Posix.UnlinkAt(directory, name);
        }
    }

    public bool Contains(ByteRange range)
    {
        lock (_lock)
            return _present.Contains(range);
    }

    /// <summary>The first bytes that are neither here nor in <paramref name="claimed"/>; at most <paramref name="max"/>.</summary>
    public ByteRange FirstGap(RangeSet claimed, long max)
    {
        lock (_lock)
        {
            var either = new RangeSet(_present.Concat(claimed));
            var gap = either.FirstGap(0, Length ?? max);
            return gap with { To = Math.Min(gap.To, gap.From + max) };
        }
    }

    /// <summary>Bytes that are here or in <paramref name="claimed"/>.</summary>
    public long BytesWith(RangeSet claimed)
    {
        lock (_lock)
            return new RangeSet(_present.Concat(claimed)).Bytes;
    }

    public string? Tag(string source)
    {
        lock (_lock)
            return _tags.GetValueOrDefault(source);
    }

    public void SetTag(string source, string? tag)
    {
        lock (_lock)
        {
            if (tag is null)
                _tags.Remove(source);
            else
                _tags[source] = tag;
        }
    }

    /// <summary>Forgets every byte and tag: the file is another one, of this length.</summary>
    public void Start(long length)
    {
        lock (_flushing)
        {
            lock (_lock)
            {
                _present.Clear();
                _tags.Clear();
                Length = length;
                Generation++;
                Note();
                // Before the bytes go: a record that outlives them would vouch for zeros.
                DurableFiles.Replace(_directory, FileName(".synced.part"), Record().Encode(), 0x180);
                Posix.SetLength(_data, 0, _name);
                Posix.SetLength(_data, length, _name);
            }
        }
    }

    /// <returns>False when the file has started over since that generation: the bytes are of no use.</returns>
    public bool Write(int generation, long offset, ReadOnlySpan<byte> bytes)
    {
        lock (_lock)
        {
            if (generation != Generation)
                return false;
            Posix.WriteAt(_data, offset, bytes, _name);
            _present.Add(new ByteRange(offset, offset + bytes.Length));
            _dirty += bytes.Length;
            Note();
            if (_dirty < FlushBytes && _clock.GetElapsedTime(_flushed) < FlushTime)
                return true;
            (_dirty, _flushed) = (0, _clock.GetTimestamp());
        }
        Flush();
        return true;
    }

    /// <summary>Those bytes turned out to be wrong.</summary>
    public void Forget(ByteRange range)
    {
        lock (_lock)
        {
            _present.Remove(range);
            Note();
        }
        Flush();
    }

    /// <returns>The number of bytes read; 0 at the end of the file.</returns>
    public int Read(long offset, Span<byte> buffer) => Posix.ReadAt(_data, offset, buffer, _name);

    /// <summary>What is here survives a power cut from now on.</summary>
    public void Flush()
    {
        lock (_flushing)
        {
            PartRecord record;
            lock (_lock)
            {
                if (Length is null)
                    return;
                record = Record();
            }
            // First the bytes, then the promise that they are there.
            Posix.Fsync(_data, _name);
            DurableFiles.Replace(_directory, FileName(".synced.part"), record.Encode(), 0x180);
        }
    }

    /// <summary>Nothing of it stays.</summary>
    public void Remove()
    {
        _removed = true;
        foreach (var suffix in new[] { ".synced.part", ".written.part", ".part" })
        {
            if (Posix.StatAt(_directory, FileName(suffix)) is not null)
                Posix.UnlinkAt(_directory, FileName(suffix));
        }
    }

    public void Dispose()
    {
        if (!_data.IsClosed && !_removed && _dirty > 0)
            Flush();
        _data.Dispose();
        _written.Dispose();
    }

    private void Restore()
    {
        var size = Posix.Stat(_data, _name).Size;
        var written = TryRead(".written.part");
        var record = written?.Boot == _boot ? written : TryRead(".synced.part");
        if (record is null || record.Length != size)
            return;
        Length = record.Length;
        foreach (var range in record.Ranges)
            _present.Add(range);
        foreach (var (source, tag) in record.Tags)
            _tags[source] = tag;
        _dirty = 1;
    }

    private PartRecord? TryRead(string suffix)
    {
        try
        {
            return PartRecord.Decode(DurableFiles.TryRead(_directory, FileName(suffix), 2 * PartRecord.MaxBytes));
        }
        catch (FormatException)
        {
            return null;
        }
    }

    // Called with the lock. One write call of less than a page or two: a kill leaves the old record or the new one.
    private void Note() => Posix.WriteAt(_written, 0, Record().Encode(), _name);

    private PartRecord Record() => new(Length ?? 0, _boot, new Dictionary<string, string>(_tags), [.. _present]);

    private byte[] FileName(string suffix) => Encoding.ASCII.GetBytes(_name + suffix);

    private static string CurrentBoot()
    {
        try
        {
            return File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim();
        }
        catch (IOException)
        {
            // Not known: then nothing was written in this boot.
            return Guid.NewGuid().ToString();
        }
    }
}
