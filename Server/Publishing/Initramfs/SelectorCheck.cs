using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Publishing.Initramfs;

/// <summary>
/// Looks whether the initramfs of a tree was made with the tree's own selector: one that was forgotten boots devices with the old
/// one. Only ever a sentence, since a tree may have its reasons.
/// </summary>
internal sealed class SelectorCheck(Repository repository, ObjectId root)
{
    private const int MaxImages = 8;
    private const long MaxSelector = 16 << 20;

    private static readonly string[] Places = ["usr/lib/ctree/ctree-select", "usr/local/sbin/ctree-select", "usr/sbin/ctree-select"];
    private static readonly string[] Modules = ["usr/lib/modules", "lib/modules"];
    private static readonly string[] PlacesInside = ["sbin/ctree-select", "usr/sbin/ctree-select"];

    // The selector may be all there is in an initramfs; it tells its name in its help, as .NET keeps text.
    private const string OwnInit = "init";
    private static readonly byte[] Usage = Encoding.Unicode.GetBytes("usage: ctree-select");

    /// <summary>What a publisher should know, in sentences.</summary>
    public IReadOnlyList<string> Warnings()
    {
        try
        {
            return Look();
        }
        catch (Exception e) when (e is IOException or InvalidDataException or CorruptObjectException or ObjectNotFoundException)
        {
            return [$"the tree was not looked through for selectors: {e.Message}"];
        }
    }

    private IReadOnlyList<string> Look()
    {
        if (Places.Select(place => (Place: place, File: At(place) as TreeEntry.File)).FirstOrDefault(found => found.File is not null)
            is not { File: { Size: <= MaxSelector } selector, Place: var place })
            return [];
        var wanted = BuildIdentity.Of(repository.ReadSmall(new ObjectName(ObjectKind.File, selector.Id), (int)MaxSelector));
        return [.. Images().Take(MaxImages).Select(image => Warning(image.Path, image.File, place, wanted)).OfType<string>()];
    }

    private string? Warning(string path, TreeEntry.File image, string place, string wanted)
    {
        try
        {
            var inside = Find(image, PlacesInside) ?? (Find(image, [OwnInit]) is { } init && IsSelector(init) ? init : null);
            return inside is null || BuildIdentity.Of(inside) == wanted
                ? null
                : $"{path} holds another ctree-select than {place}, so devices would boot with that one: make it again (update-initramfs -u, dracut --force) and publish";
        }
        catch (Exception e) when (e is IOException or InvalidDataException or CorruptObjectException)
        {
            return $"{path} was not looked into for its ctree-select: {e.Message}";
        }
    }

    private byte[]? Find(TreeEntry.File image, IReadOnlyCollection<string> paths)
    {
        using var content = new BufferedStream(new StoredStream(repository, image.Id));
        return new InitramfsReader(content).Find(paths);
    }

    // Most initramfs have an init of somebody else's.
    private static bool IsSelector(ReadOnlySpan<byte> program) => program.IndexOf(Usage) >= 0;

    private IEnumerable<(string Path, TreeEntry.File File)> Images()
    {
        var modules = Modules.SelectMany(path => Entries(path).OfType<TreeEntry.Directory>().Select(directory => $"{path}/{directory.Name}"));
        return modules.Prepend("boot").SelectMany(path => Entries(path).OfType<TreeEntry.File>()
            .Where(file => $"{file.Name}".StartsWith("initrd", StringComparison.Ordinal) || $"{file.Name}".StartsWith("initramfs", StringComparison.Ordinal))
            .Select(file => ($"{path}/{file.Name}", file)));
    }

    private IEnumerable<TreeEntry> Entries(string path) => At(path) is TreeEntry.Directory directory ? repository.ReadTree(directory.Id).Entries : [];

    private TreeEntry? At(string path)
    {
        try
        {
            return TreePath.Find(repository.ReadTree, root, path);
        }
        catch (NotFoundException)
        {
            return null;
        }
    }
}
