using System.Globalization;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Trees;

/// <summary>
/// What changed between two trees in privileges: setuid and setgid programs with their owner, <c>security.*</c> and <c>trusted.*</c>
/// attributes, device nodes. Equal subtrees are skipped, so the cost follows the change.
/// </summary>
public sealed class PrivilegeDiff
{
    /// <summary>Changes that are listed; the others are counted only.</summary>
    public const int MaxListed = 1000;

    private const int SetUid = 0x800;
    private const int SetGid = 0x400;
    private const int MaxShownValue = 32;

    private readonly Func<ObjectId, Tree> _read;
    private readonly List<PrivilegeChange> _changes = [];

    private PrivilegeDiff(Func<ObjectId, Tree> read) => _read = read;

    /// <summary>The first <see cref="MaxListed"/>, in path order.</summary>
    public IReadOnlyList<PrivilegeChange> Changes => _changes;

    /// <summary>All changes.</summary>
    public long Count { get; private set; }

    /// <summary>Those after which a path has a privilege that it had not, or another one.</summary>
    public long Gained { get; private set; }

    /// <param name="before">Null compares with nothing: every privilege is new.</param>
    public static PrivilegeDiff Compare(Func<ObjectId, Tree> read, ObjectId? before, ObjectId after)
    {
        var diff = new PrivilegeDiff(read);
        diff.CompareDirectories(before, after, "/");
        return diff;
    }

    private void CompareDirectories(ObjectId? before, ObjectId? after, string path)
    {
        if (before == after)
            return;
        var (a, b) = (before is { } x ? _read(x) : null, after is { } y ? _read(y) : null);
        Note(path, Attributes(a?.Metadata), Attributes(b?.Metadata));
        var (left, right) = (a?.Entries ?? [], b?.Entries ?? []);
        int i = 0, j = 0;
        while (i < left.Count || j < right.Count)
        {
            var order = i == left.Count ? 1 : j == right.Count ? -1 : left[i].Name.CompareTo(right[j].Name);
            CompareEntries(order <= 0 ? left[i++] : null, order >= 0 ? right[j++] : null, path);
        }
    }

    private void CompareEntries(TreeEntry? before, TreeEntry? after, string parent)
    {
        var path = $"{parent}{(after ?? before)?.Name}";
        Note(path, Describe(before), Describe(after));
        if (before is TreeEntry.Directory || after is TreeEntry.Directory)
            CompareDirectories((before as TreeEntry.Directory)?.Id, (after as TreeEntry.Directory)?.Id, path + "/");
    }

    private void Note(string path, string before, string after)
    {
        if (before == after)
            return;
        Count++;
        if (after.Length > 0)
            Gained++;
        if (_changes.Count < MaxListed)
            _changes.Add(new PrivilegeChange(path, before, after));
    }

    private static string Describe(TreeEntry? entry) => entry switch
    {
        TreeEntry.File file => Join(SetIds(file.Metadata), Attributes(file.Metadata)),
        TreeEntry.Device device => Join(
            string.Create(CultureInfo.InvariantCulture, $"{(device.IsBlock ? "block" : "character")} device {device.Major}:{device.Minor}"), Attributes(device.Metadata)),
        TreeEntry.Symlink symlink => Attributes(symlink.Metadata),
        TreeEntry.Fifo fifo => Attributes(fifo.Metadata),
        _ => "",
    };

    // On a directory these bits only hand down a group; a program runs with them.
    private static string SetIds(Metadata metadata) => Join(
        (metadata.Mode & SetUid) != 0 ? string.Create(CultureInfo.InvariantCulture, $"setuid {metadata.Uid}") : "",
        (metadata.Mode & SetGid) != 0 ? string.Create(CultureInfo.InvariantCulture, $"setgid {metadata.Gid}") : "");

    private static string Attributes(Metadata? metadata) => metadata is null or { Xattrs.Count: 0 } ? "" : string.Join(", ", metadata.Xattrs
        .Where(x => x.Name.AsSpan().StartsWith("security."u8) || x.Name.AsSpan().StartsWith("trusted."u8))
        .Select(x => $"{Posix.Display(x.Name)}={Shown(x.Value)}"));

    // The hash stands for the rest: two long values that differ at the end are still two.
    private static string Shown(byte[] value) => value.Length <= MaxShownValue
        ? "0x" + Convert.ToHexStringLower(value)
        : $"0x{Convert.ToHexStringLower(value.AsSpan(0, MaxShownValue / 2))}... ({value.Length} bytes, {ObjectId.Of(value).ToString()[..12]})";

    private static string Join(string first, string second) => first.Length == 0 ? second : second.Length == 0 ? first : $"{first}, {second}";
}
