using System.IO.Enumeration;
using System.Text.Json;
using ContentTree.Deploy.Repairs;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Deployments;

/// <summary>
/// Compares a deployment's own <c>/etc</c> with that of its tree. Contents are read only of files that were written to, names are looked at up
/// to a limit, and what every device makes for itself is passed over (docs/device.md).
/// </summary>
internal sealed class EtcDrift
{
    private const int MaxNames = 50_000;
    private const int MaxDepth = 64;
    private const long MaxRead = 16 << 20;

    // A poll of an older server may have four kilobytes.
    private const int MaxTold = 2048;
    private const long WrittenBy = Tree.ModifiedSeconds * 1_000_000_000;

    /// <summary>What is every device's own and no drift.</summary>
    private static readonly string[] Own =
    [
        "machine-id", "hostname", "adjtime", "resolv.conf", "mtab", ".updated", ".pwd.lock", "ld.so.cache", "ssh/ssh_host_*",
        "passwd-", "group-", "shadow-", "gshadow-", "subuid-", "subgid-",
    ];

    private readonly Device _device;
    private readonly string[] _ignored;
    private readonly List<string> _paths = [];
    private int _names;
    private int _added;
    private int _changed;
    private int _removed;
    private int _told;

    private EtcDrift(Device device) => (_device, _ignored) = (device, [.. Own, .. device.Config.DriftIgnored]);

    /// <summary>How the running deployment's differs; null where none runs that has one of its own.</summary>
    /// <exception cref="Store.CorruptObjectException">A tree is damaged.</exception>
    public static DeviceDrift? Look(Device device)
    {
        if (device.Config.IsLinked || device.Booted is not { } booted || FinishedDeployment.Find(device.Layout, booted.Deployment) is not { } running ||
            !Directory.Exists(device.Layout.Etc(running.Name)))
            return null;
        var root = device.Store.ReadTree(device.Store.ReadCommit(running.Commit).Tree);
        if (root.Find(EntryName.Create("etc")) is not TreeEntry.Directory tree)
            return null;
        using var etc = Posix.OpenDirectory(device.Layout.Etc(running.Name));
        var drift = new EtcDrift(device);
        drift.Compare(etc, tree.Id, "", 0);
        return new DeviceDrift(drift._added, drift._changed, drift._removed, drift._paths.Count > 0 ? drift._paths : null);
    }

    private void Compare(SafeFileHandle directory, ObjectId id, string path, int depth)
    {
        var tree = _device.Store.ReadTree(id);
        foreach (var entry in tree.Entries)
        {
            if (Name(path, entry.Name) is { } where)
                Compare(directory, entry, where, depth);
        }
        foreach (var (bytes, type) in Posix.ReadDirectory(directory, path))
        {
            var name = EntryName.Create(bytes);
            if (tree.Find(name) is null && Name(path, name) is { } where)
                Add(directory, name, type, where, depth);
        }
    }

    private void Compare(SafeFileHandle directory, TreeEntry entry, string path, int depth)
    {
        if (Posix.StatAt(directory, entry.Name.Bytes) is not { } stat)
            Remove(entry, path, depth);
        else if (stat.Type != EntryCheck.TypeOf(entry))
            Found('~', ref _changed, path);
        else
        {
            if (Differs(directory, entry, stat))
                Found('~', ref _changed, path);
            if (entry is TreeEntry.Directory child && depth < MaxDepth)
            {
                using var below = Posix.OpenDirectoryAt(directory, child.Name.Bytes);
                Compare(below, child.Id, path, depth + 1);
            }
        }
    }

    private bool Differs(SafeFileHandle directory, TreeEntry entry, in FileStat stat)
    {
        var name = entry.Name.Bytes;
        var metadata = entry switch
        {
            TreeEntry.File file => file.Metadata,
            TreeEntry.Symlink link => link.Metadata,
            TreeEntry.Device device => device.Metadata,
            TreeEntry.Fifo fifo => fifo.Metadata,
            TreeEntry.Directory child => _device.Store.ReadTree(child.Id).Metadata,
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        if (_device.Store.Inodes.DifferenceAt(directory, name, stat, metadata) is not null)
            return true;
        return entry switch
        {
            TreeEntry.File file => stat.Size != file.Size || (stat.ModifiedNanoseconds != WrittenBy && (file.Size > MaxRead || !EntryCheck.HasContent(directory, file))),
            TreeEntry.Symlink link => !Posix.ReadLinkAt(directory, name).AsSpan().SequenceEqual(link.Target),
            TreeEntry.Device device => (stat.RdevMajor, stat.RdevMinor) != (device.Major, device.Minor),
            _ => false,
        };
    }

    private void Add(SafeFileHandle directory, EntryName name, FileType? type, string path, int depth)
    {
        Found('+', ref _added, path);
        if ((type ?? Posix.StatAt(directory, name.Bytes)?.Type) != FileType.Directory || depth >= MaxDepth)
            return;
        using var below = Posix.OpenDirectoryAt(directory, name.Bytes);
        foreach (var (bytes, kind) in Posix.ReadDirectory(below, path))
        {
            if (EntryName.Create(bytes) is var child && Name(path, child) is { } where)
                Add(below, child, kind, where, depth + 1);
        }
    }

    private void Remove(TreeEntry entry, string path, int depth)
    {
        // What a store without root never made is not missing.
        if (entry is TreeEntry.Device && !_device.Store.Inodes.IsPrivileged)
            return;
        Found('-', ref _removed, path);
        if (entry is not TreeEntry.Directory directory || depth >= MaxDepth)
            return;
        foreach (var child in _device.Store.ReadTree(directory.Id).Entries)
        {
            if (Name(path, child.Name) is { } where)
                Remove(child, where, depth + 1);
        }
    }

    // Null for what is not looked at.
    private string? Name(string path, EntryName name)
    {
        var where = path.Length > 0 ? $"{path}/{Posix.Display(name.Bytes)}" : Posix.Display(name.Bytes);
        return ++_names > MaxNames || Array.Exists(_ignored, pattern => FileSystemName.MatchesSimpleExpression(pattern, where, ignoreCase: false)) ? null : where;
    }

    private void Found(char sign, ref int count, string path)
    {
        count++;
        if (_paths.Count == DeviceDrift.MaxPaths || path.Length > DeviceDrift.MaxPath)
            return;
        var text = $"{sign}{string.Concat(path.Select(c => char.GetUnicodeCategory(c) == System.Globalization.UnicodeCategory.Format ? '?' : c))}";
        var cost = JsonEncodedText.Encode(text).EncodedUtf8Bytes.Length + 3;
        if (_told + cost > MaxTold)
            return;
        _told += cost;
        _paths.Add(text);
    }
}
