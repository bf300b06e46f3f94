using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using ContentTree.Server.Storage;
using Microsoft.Data.Sqlite;

namespace ContentTree.Server.Packages;

/// <summary>rpm's database as SQLite, as it is since rpm 4.16; the older formats are passed over. Each row is a package's header.</summary>
internal static class RpmDatabase
{
    private const int MaxPackages = 200_000;
    private const int MaxHeader = 16 * 1024 * 1024;
    private const int MaxText = 1024;
    private const int EntryBytes = 16;
    private const int Name = 1000, Version = 1001, Release = 1002, Epoch = 1003, Architecture = 1022;
    private const uint Int32 = 4, Text = 6;

    /// <summary>Nothing where it is no such database.</summary>
    public static IEnumerable<InstalledPackage> Read(byte[] bytes)
    {
        // A directory of its own, which nobody else may enter: SQLite has no other way to a database than a path.
        var folder = Directory.CreateTempSubdirectory("ctree-rpmdb-");
        try
        {
            var path = Path.Combine(folder.FullName, "rpmdb.sqlite");
            using (var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write))
                file.Write(bytes);
            using var connection = SqliteDatabase.OpenForeign(path);
            return [.. connection.Query($"SELECT blob FROM Packages WHERE typeof(blob) = 'blob' AND length(blob) <= {MaxHeader} LIMIT {MaxPackages}", row => Header((byte[])row["blob"]))
                .OfType<InstalledPackage>()];
        }
        catch (SqliteException)
        {
            return [];
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    /// <summary>
    /// A header: number of entries and bytes of data (32 bits, big-endian), the entries (tag, type, offset, count), the data. Null for what is none.
    /// </summary>
    public static InstalledPackage? Header(ReadOnlySpan<byte> header)
    {
        if (header.Length < 8)
            return null;
        var count = BinaryPrimitives.ReadUInt32BigEndian(header);
        if (count > (header.Length - 8) / EntryBytes)
            return null;
        var data = header[(8 + (int)count * EntryBytes)..];
        string name = "", version = "", release = "", epoch = "", architecture = "";
        for (var i = 0; i < (int)count; i++)
        {
            var entry = header.Slice(8 + i * EntryBytes, EntryBytes);
            var tag = BinaryPrimitives.ReadUInt32BigEndian(entry);
            var value = Value(data, BinaryPrimitives.ReadUInt32BigEndian(entry[4..]), BinaryPrimitives.ReadUInt32BigEndian(entry[8..]));
            switch (tag)
            {
                case Name: name = value; break;
                case Version: version = value; break;
                case Release: release = value; break;
                case Epoch: epoch = value; break;
                case Architecture: architecture = value; break;
            }
        }
        if (name.Length == 0 || version.Length == 0)
            return null;
        return new InstalledPackage("rpm", name, $"{(epoch.Length > 0 ? epoch + ":" : "")}{version}{(release.Length > 0 ? "-" + release : "")}", architecture);
    }

    private static string Value(ReadOnlySpan<byte> data, uint type, uint offset)
    {
        if (offset >= data.Length)
            return "";
        var from = data[(int)offset..];
        if (type == Int32 && from.Length >= sizeof(uint))
            return BinaryPrimitives.ReadUInt32BigEndian(from).ToString(CultureInfo.InvariantCulture);
        return type == Text && from[..Math.Min(from.Length, MaxText)].IndexOf((byte)0) is var end and > 0
            ? string.Concat(Encoding.UTF8.GetString(from[..end]).Where(c => !char.IsControl(c)))
            : "";
    }
}
