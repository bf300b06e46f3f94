using System.Net.Http.Headers;
using System.Text;
using ContentTree.Store;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Transfer;

/// <summary>
/// The compressed bytes of a large object as far as they came, <c>incoming/(id).file.part</c>, and beside it the ETag they belong to:
/// a cut download goes on where it ended, also after a kill or a power cut. They prove nothing: the decoded content's hash does.
/// </summary>
internal sealed class PartFile : IDisposable
{
    private const int MaxTagBytes = 512;

    private readonly SafeFileHandle _directory;
    private readonly byte[] _name;
    private readonly byte[] _tagName;
    private readonly SafeFileHandle _file;

    private PartFile(SafeFileHandle directory, string name)
    {
        _directory = directory;
        _name = Encoding.ASCII.GetBytes($"{name}.part");
        _tagName = Encoding.ASCII.GetBytes($"{name}.etag.part");
        _file = Posix.OpenOrCreateAt(directory, _name, 0x180);
        Length = Posix.Stat(_file, name).Size;
        var tag = Encoding.ASCII.GetString(DurableFiles.TryRead(directory, _tagName, MaxTagBytes) ?? []);
        Tag = EntityTagHeaderValue.TryParse(tag, out var parsed) ? parsed : null;
    }

    /// <summary>Bytes so far.</summary>
    public long Length { get; private set; }

    public EntityTagHeaderValue? Tag { get; private set; }

    /// <summary>Opens the part that an earlier run left, or null.</summary>
    public static PartFile? TryOpen(SafeFileHandle directory, string name) =>
        Posix.StatAt(directory, Encoding.ASCII.GetBytes($"{name}.part")) is null ? null : new PartFile(directory, name);

    public static PartFile Create(SafeFileHandle directory, string name, EntityTagHeaderValue? tag)
    {
        var part = new PartFile(directory, name);
        part.Restart(tag);
        return part;
    }

    /// <summary>Removes what interrupted downloads left of objects that are no longer needed.</summary>
    public static void RemoveAll(SafeFileHandle directory)
    {
        foreach (var (name, _) in Posix.ReadDirectory(directory, "incoming"))
        {
            if (name.AsSpan().EndsWith(".part"u8))
                Posix.UnlinkAt(directory, name);
        }
    }

    /// <summary>Hands out the bytes so far, in pieces, and stands at their end afterwards.</summary>
    public void Replay(Action<ReadOnlySpan<byte>> take)
    {
        var buffer = new byte[64 * 1024];
        Posix.Rewind(_file, Subject);
        for (int count; (count = Posix.Read(_file, buffer, Subject)) > 0;)
            take(buffer.AsSpan(0, count));
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        Posix.Write(_file, bytes, Subject);
        Length += bytes.Length;
    }

    /// <summary>Forgets the bytes: what comes now is the frame of this tag, from its start.</summary>
    public void Restart(EntityTagHeaderValue? tag)
    {
        Posix.SetLength(_file, 0, Subject);
        Posix.Rewind(_file, Subject);
        Length = 0;
        Tag = tag;
        if (Posix.StatAt(_directory, _tagName) is not null)
            Posix.UnlinkAt(_directory, _tagName);
        if (tag is not null)
            DurableFiles.Replace(_directory, _tagName, Encoding.ASCII.GetBytes(tag.ToString()), 0x180);
    }

    public void Remove()
    {
        Restart(null);
        Posix.UnlinkAt(_directory, _name);
    }

    public void Dispose() => _file.Dispose();

    private string Subject => Encoding.ASCII.GetString(_name);
}
