using System.Text;
using ContentTree.Store;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Backups;

/// <summary>The objects of one backup in a file beside its archive: 33 bytes each, the id and the kind, in their order.</summary>
internal static class ObjectList
{
    public const int EntryBytes = ObjectId.Size + 1;

    /// <summary>How it is called in the archive's hash.</summary>
    public const string MemberName = "objects";

    /// <summary>Begins one that only its owner may read; what a killed backup left of it goes.</summary>
    public static FileStream Create(string path)
    {
        File.Delete(path);
        using var folder = Posix.OpenDirectory(Path.GetDirectoryName(Path.GetFullPath(path)) ?? "/");
        return new FileStream(Posix.CreateAt(folder, Encoding.UTF8.GetBytes(Path.GetFileName(path)), 0x180), FileAccess.Write, bufferSize: 64 * 1024);
    }

    public static void Write(Stream target, ObjectName name)
    {
        Span<byte> entry = stackalloc byte[EntryBytes];
        name.Id.CopyTo(entry);
        entry[ObjectId.Size] = (byte)name.Kind;
        target.Write(entry);
    }

    /// <exception cref="DamagedBackupException">The list is cut, or says what no list says.</exception>
    public static IEnumerable<ObjectName> Read(string path)
    {
        using var list = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 64 * 1024);
        var entry = new byte[EntryBytes];
        for (int count; (count = list.ReadAtLeast(entry, EntryBytes, throwOnEndOfStream: false)) > 0;)
        {
            if (count != EntryBytes || !Enum.IsDefined((ObjectKind)entry[ObjectId.Size]))
                throw new DamagedBackupException($"{path}: no list of objects");
            yield return new ObjectName((ObjectKind)entry[ObjectId.Size], new ObjectId(entry.AsSpan(0, ObjectId.Size)));
        }
    }
}
