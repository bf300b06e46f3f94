using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using ContentTree.Server.Ostree;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Sources.Ostree;

/// <summary>An OSTree repository for reading. Nothing in it is believed that does not have the checksum by which it was asked for.</summary>
internal sealed class OstreeRepository
{
    private const int MaxConfigBytes = 64 << 10;
    private const int MaxRefBytes = 256;
    private const int NamedRefs = 10;

    private readonly IOstreeFiles _files;

    /// <exception cref="UnsupportedSourceException">There is no repository, or one of a kind that cannot be read.</exception>
    public OstreeRepository(IOstreeFiles files)
    {
        _files = files;
        Mode = ReadMode(TryRead("config", MaxConfigBytes) ?? throw new UnsupportedSourceException(files.Shown, "is no OSTree repository: it has no file 'config'"));
        if (Mode != OstreeMode.Archive && files is not OstreeFolder)
            throw new UnsupportedSourceException(files.Shown, "keeps its files in a bare form, which cannot be read over HTTP; only the mode 'archive' can");
    }

    /// <summary>How it keeps files.</summary>
    public OstreeMode Mode { get; }

    /// <summary>Finds what a ref is at.</summary>
    /// <param name="name">Null where there is only one.</param>
    /// <exception cref="NotFoundException">There is no such ref, or none was named and there are several.</exception>
    public (string Name, ObjectId Commit) Resolve(string? name)
    {
        name ??= OnlyRef();
        var path = name.Split(':') is [var remote, var inner] ? $"refs/remotes/{remote}/{inner}" : $"refs/heads/{name}";
        if (TryRead(path, MaxRefBytes) is { } file)
        {
            return ObjectId.TryParse(Encoding.UTF8.GetString(file).TrimEnd('\n'), out var commit)
                ? (name, commit)
                : throw new DamagedSourceException($"{_files.Shown}/{path}", "is no checksum of a commit");
        }
        return ReadSummary().TryGetValue(name, out var listed) ? (name, listed) : throw new NotFoundException($"{_files.Shown} has no ref '{name}'");
    }

    /// <exception cref="DamagedSourceException">It is missing, or is something else.</exception>
    public OstreeCommit ReadCommit(ObjectId checksum) => Read(checksum, "commit", OstreeCommit.MaxBytes, OstreeCommit.Decode);

    /// <exception cref="DamagedSourceException">It is missing, or is something else.</exception>
    public OstreeDirectory ReadDirectory(ObjectId checksum) => Read(checksum, "dirtree", OstreeDirectory.MaxBytes, OstreeDirectory.Decode);

    /// <exception cref="DamagedSourceException">It is missing, or is something else.</exception>
    public OstreeHeader ReadMetadata(ObjectId checksum) => Read(checksum, "dirmeta", OstreeHeader.MaxBytes, OstreeHeader.DecodeMetadata);

    /// <summary>Opens a file or symlink; whoever has read it asks it whether it was whole.</summary>
    /// <exception cref="DamagedSourceException">It is missing, or is something else.</exception>
    public OstreeContent OpenFile(ObjectId checksum) =>
        (Mode == OstreeMode.Archive ? TryOpenArchived(checksum) : OstreeBareFile.TryOpen((OstreeFolder)_files, Mode, checksum))
        ?? throw Missing(OstreeChecksum.PathOf(checksum, Mode == OstreeMode.Archive ? "filez" : "file"));

    private OstreeContent? TryOpenArchived(ObjectId checksum)
    {
        var path = OstreeChecksum.PathOf(checksum, "filez");
        var shown = $"{_files.Shown}/{path}";
        var file = _files.TryOpen(path);
        if (file is null)
            return null;
        try
        {
            var (header, size) = OstreeHeader.DecodeArchived(ReadHeader(file));
            return header.Kind switch
            {
                OstreeHeader.RegularFile => new OstreeContent(shown, checksum, header, size, new DeflateStream(file, CompressionMode.Decompress)),
                OstreeHeader.SymbolicLink => new OstreeContent(shown, checksum, header, 0, file),
                _ => throw new FormatException("is neither a file nor a symbolic link"),
            };
        }
        catch (FormatException e)
        {
            file.Dispose();
            throw new DamagedSourceException(shown, e.Message);
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    // Its length, four zeros, the header.
    private static byte[] ReadHeader(Stream file)
    {
        Span<byte> frame = stackalloc byte[OstreeHeader.FrameBytes];
        if (file.ReadAtLeast(frame, frame.Length, throwOnEndOfStream: false) < frame.Length)
            throw new FormatException("ends too early");
        var length = BinaryPrimitives.ReadUInt32BigEndian(frame);
        if (length > OstreeHeader.MaxBytes)
            throw new FormatException($"tells a header of {length} bytes");
        var header = new byte[length];
        return file.ReadAtLeast(header, header.Length, throwOnEndOfStream: false) == header.Length ? header : throw new FormatException("ends too early");
    }

    private delegate T Decode<T>(ReadOnlySpan<byte> bytes);

    private T Read<T>(ObjectId checksum, string suffix, int maxBytes, Decode<T> decode)
    {
        var path = OstreeChecksum.PathOf(checksum, suffix);
        var bytes = TryRead(path, maxBytes) ?? throw Missing(path);
        if (ObjectId.Of(bytes) != checksum)
            throw new DamagedSourceException($"{_files.Shown}/{path}", "its content has another checksum");
        try
        {
            return decode(bytes);
        }
        catch (FormatException e)
        {
            throw new DamagedSourceException($"{_files.Shown}/{path}", e.Message);
        }
    }

    private byte[]? TryRead(string path, int maxBytes)
    {
        using var file = _files.TryOpen(path);
        if (file is null)
            return null;
        using var content = new MemoryStream();
        var buffer = new byte[1 << 14];
        for (int count; (count = file.Read(buffer)) > 0;)
        {
            if (content.Length + count > maxBytes)
                throw new DamagedSourceException($"{_files.Shown}/{path}", $"has more than {maxBytes} bytes");
            content.Write(buffer, 0, count);
        }
        return content.ToArray();
    }

    private DamagedSourceException Missing(string path) => new($"{_files.Shown}/{path}", "is missing there");

    private string OnlyRef()
    {
        var names = _files.ListRefs() ?? [.. ReadSummary().Keys];
        return names switch
        {
            [var only] when OstreeAddress.IsRevision(only) => only,
            [] => throw new NotFoundException($"{_files.Shown} lists no ref; name one with --ref"),
            _ => throw new NotFoundException($"{_files.Shown} has {names.Count} refs; name one with --ref: {string.Join(", ", names.Where(OstreeAddress.IsRevision).Order(StringComparer.Ordinal).Take(NamedRefs))}{(names.Count > NamedRefs ? ", ..." : "")}"),
        };
    }

    private IReadOnlyDictionary<string, ObjectId> ReadSummary()
    {
        try
        {
            return TryRead(OstreeSummary.FileName, OstreeSummary.MaxBytes) is { } bytes ? OstreeSummary.Decode(bytes) : new Dictionary<string, ObjectId>();
        }
        catch (FormatException e)
        {
            throw new DamagedSourceException($"{_files.Shown}/{OstreeSummary.FileName}", e.Message);
        }
    }

    private OstreeMode ReadMode(byte[] config)
    {
        var section = "";
        var (mode, version) = ("bare", "");
        foreach (var line in Encoding.UTF8.GetString(config).Split('\n').Select(l => l.Trim()))
        {
            if (line.StartsWith('['))
                section = line;
            else if (section == "[core]" && line.Split('=', 2) is [var key, var value])
                (mode, version) = (key.Trim() == "mode" ? value.Trim() : mode, key.Trim() == "repo_version" ? value.Trim() : version);
        }
        if (version != "1")
            throw new UnsupportedSourceException(_files.Shown, "is no OSTree repository of version 1");
        return mode switch
        {
            "archive" or "archive-z2" => OstreeMode.Archive,
            "bare" => OstreeMode.Bare,
            "bare-user" => OstreeMode.BareUser,
            "bare-user-only" => OstreeMode.BareUserOnly,
            _ => throw new UnsupportedSourceException(_files.Shown, $"is an OSTree repository of mode '{mode}', which cannot be read; 'ostree pull-local' brings it into one of mode archive"),
        };
    }
}
