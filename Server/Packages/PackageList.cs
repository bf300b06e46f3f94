using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Packages;

/// <summary>
/// What is installed in a tree, from the databases of dpkg, opkg, apk and rpm that lie in it. They are read as anybody's bytes: bounded in
/// size and number, and what is no database of theirs is passed over.
/// </summary>
internal static class PackageList
{
    /// <summary>The largest database that is read.</summary>
    public const int MaxBytes = 64 * 1024 * 1024;

    private static readonly (string Path, Func<byte[], IEnumerable<InstalledPackage>> Read)[] Databases =
    [
        ("var/lib/dpkg/status", bytes => StanzaFile.Control(bytes, "deb")),
        ("usr/lib/opkg/status", bytes => StanzaFile.Control(bytes, "opkg")),
        ("var/lib/opkg/status", bytes => StanzaFile.Control(bytes, "opkg")),
        ("lib/apk/db/installed", StanzaFile.Apk),
        ("usr/lib/apk/db/installed", StanzaFile.Apk),
        ("var/lib/rpm/rpmdb.sqlite", RpmDatabase.Read),
        ("usr/lib/sysimage/rpm/rpmdb.sqlite", RpmDatabase.Read),
    ];

    // Images without dpkg itself keep one file for each package.
    private const string DpkgParts = "var/lib/dpkg/status.d";

    /// <summary>By kind, name, version and architecture, each once.</summary>
    /// <exception cref="CorruptObjectException">A tree or a database's content is damaged.</exception>
    public static IReadOnlyList<InstalledPackage> Of(Repository repository, ObjectId tree)
    {
        var found = new List<InstalledPackage>();
        foreach (var (path, read) in Databases)
        {
            if (Find(repository, tree, path) is TreeEntry.File { Size: > 0 and <= MaxBytes } file)
                found.AddRange(read(Content(repository, file)));
        }
        if (Find(repository, tree, DpkgParts) is TreeEntry.Directory parts)
        {
            foreach (var file in repository.ReadTree(parts.Id).Entries.OfType<TreeEntry.File>().Where(f => f.Size is > 0 and <= MaxBytes))
                found.AddRange(StanzaFile.Control(Content(repository, file), "deb"));
        }
        return [.. found.Distinct().OrderBy(p => p.Kind, StringComparer.Ordinal).ThenBy(p => p.Name, StringComparer.Ordinal)
            .ThenBy(p => p.Version, StringComparer.Ordinal).ThenBy(p => p.Architecture, StringComparer.Ordinal)];
    }

    private static byte[] Content(Repository repository, TreeEntry.File file) => repository.ReadSmall(new ObjectName(ObjectKind.File, file.Id), MaxBytes);

    private static TreeEntry? Find(Repository repository, ObjectId tree, string path)
    {
        try
        {
            return TreePath.Find(repository.ReadTree, tree, path);
        }
        catch (NotFoundException)
        {
            return null;
        }
    }
}
