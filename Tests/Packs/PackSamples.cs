using System.Text;
using ContentTree.Store.Codecs;
using ContentTree.Store.Objects;
using ContentTree.Store.Packs;
using ContentTree.Store.Repositories;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Packs;

/// <summary>A repository with a few objects, and packs of them.</summary>
internal sealed class PackSamples : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public PackSamples() => Repository = Repository.Create(_directory["repo"]);

    public Repository Repository { get; }

    /// <summary>Bytes that compress about as a program does.</summary>
    public static byte[] Content(int size, int seed)
    {
        var random = new Random(seed);
        var words = Enumerable.Range(0, 200).Select(_ => Convert.ToHexString(BitConverter.GetBytes(random.Next()))).ToArray();
        var text = new StringBuilder();
        while (text.Length < size)
            text.Append(words[random.Next(words.Length)]);
        return Encoding.ASCII.GetBytes(text.ToString(0, size));
    }

    public ObjectName Add(byte[] content, ObjectKind kind = ObjectKind.File)
    {
        var name = new ObjectName(kind, ObjectId.Of(content));
        using var encoder = new Lz4Encoder();
        using var writer = Repository.BeginWriting();
        writer.Write(name, content, encoder);
        writer.Complete();
        return name;
    }

    public static ObjectName Lacking(int seed) => new(ObjectKind.File, ObjectId.Of(BitConverter.GetBytes(seed)));

    public byte[] Pack(PackRequest request) => [.. Frames(request).SelectMany(f => f)];

    public List<byte[]> Frames(PackRequest request)
    {
        using var writer = new PackWriter(Repository, request);
        var frames = new List<byte[]>();
        for (var frame = writer.Next(out _); !frame.IsEmpty; frame = writer.Next(out _))
            frames.Add(frame.ToArray());
        return frames;
    }

    /// <summary>What a reader makes of a pack that comes in pieces.</summary>
    public static PackRecording Read(ReadOnlySpan<byte> pack, int count, int piece = 1000)
    {
        var recording = new PackRecording();
        using var reader = new PackReader(count, recording);
        for (; !pack.IsEmpty; pack = pack[Math.Min(piece, pack.Length)..])
            reader.Feed(pack[..Math.Min(piece, pack.Length)]);
        recording.HasEnded = reader.HasEnded;
        return recording;
    }

    public void Dispose()
    {
        Repository.Dispose();
        _directory.Dispose();
    }
}

/// <summary>Keeps what a pack brings.</summary>
internal sealed class PackRecording : IPackTarget
{
    private MemoryStream? _open;
    private long _length;

    /// <summary>Whole objects by their place; null for one that is missing.</summary>
    public Dictionary<int, byte[]?> Objects { get; } = [];

    public bool HasEnded { get; set; }

    public void Begin(int index, long length)
    {
        _open.Should().BeNull();
        index.Should().Be(Objects.Count);
        (_open, _length) = (new MemoryStream(), length);
    }

    public void Write(ReadOnlySpan<byte> content) => _open!.Write(content);

    public void Complete(int index)
    {
        _open!.Length.Should().Be(_length);
        Objects.Add(index, _open.ToArray());
        _open = null;
    }

    public void Missing(int index) => Objects.Add(index, null);
}
