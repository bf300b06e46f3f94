using System.Globalization;
using System.Text;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Auditing;

/// <summary><c>audit.head</c> beside the database: number and hash of the last entry, so that a shorter log shows. After a power cut it may be behind.</summary>
internal sealed class AuditHeadFile(DataDirectory data)
{
    public const string Name = "audit.head";

    private const int MaxBytes = 200;

    private static readonly byte[] FileName = Encoding.ASCII.GetBytes(Name);

    /// <summary>Null where there is none.</summary>
    /// <exception cref="FormatException">It is damaged.</exception>
    public AuditHead? TryRead()
    {
        using var root = Posix.OpenDirectory(data.Path);
        return DurableFiles.TryRead(root, FileName, MaxBytes) is { } bytes ? Parse(Encoding.ASCII.GetString(bytes)) : null;
    }

    /// <summary>Writes down a later one than stands there; the caller sees to it that nobody else does meanwhile.</summary>
    /// <exception cref="FormatException">What stands there is damaged.</exception>
    public void Raise(AuditHead head)
    {
        if (TryRead() is { } known && known.Number >= head.Number)
            return;
        using var root = Posix.OpenDirectory(data.Path);
        DurableFiles.Replace(root, FileName, Encoding.ASCII.GetBytes(Format(head) + "\n"));
    }

    /// <summary>NUMBER:HASH.</summary>
    public static string Format(AuditHead head) => string.Create(CultureInfo.InvariantCulture, $"{head.Number}:{head.Hash}");

    /// <exception cref="FormatException">It is not NUMBER:HASH.</exception>
    public static AuditHead Parse(string text) => text.Trim().Split(':') is [var number, { Length: 64 } hash] && hash.All(char.IsAsciiHexDigitLower) &&
        long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) && parsed > 0
        ? new AuditHead(parsed, hash)
        : throw new FormatException($"'{text.Trim()}' is not the head of an audit log, NUMBER:HASH");
}
