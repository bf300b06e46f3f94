using System.Text;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;

namespace ContentTree.Server.Monitoring.Export;

/// <summary>The monitor definitions that travel in commits, each commit read once. What cannot be used is told, and hides no other.</summary>
internal sealed class CommitMonitors(DataDirectory data)
{
    /// <summary>Where they lie in a tree: every file there that ends so.</summary>
    public const string Directory = "usr/lib/ctree/monitors.d";

    private const string Ending = ".conf";
    private const int MaxFiles = 64;
    private const int MaxMonitors = 256;

    private readonly Dictionary<ObjectId, IReadOnlyList<Monitor>> _known = [];
    private readonly List<string> _wrong = [];

    /// <summary>What could not be used, for people.</summary>
    public IReadOnlyList<string> Wrong => _wrong;

    public IReadOnlyList<Monitor> Of(ObjectId commit)
    {
        if (!_known.TryGetValue(commit, out var monitors))
            _known.Add(commit, monitors = Read(commit));
        return monitors;
    }

    private List<Monitor> Read(ObjectId commit)
    {
        var found = new Dictionary<string, Monitor>(StringComparer.Ordinal);
        foreach (var file in Files(commit).Take(MaxFiles))
        {
            try
            {
                foreach (var monitor in MonitorFile.Parse(Text(file), $"{commit.ToString()[..12]}: {Directory}/{file.Name}"))
                {
                    if (found.Count < MaxMonitors || found.ContainsKey(monitor.Name))
                        found[monitor.Name] = monitor;
                }
            }
            catch (Exception e) when (e is FormatException or CorruptObjectException or ObjectNotFoundException)
            {
                _wrong.Add(e.Message);
            }
        }
        return [.. found.Values.OrderBy(m => m.Name, StringComparer.Ordinal)];
    }

    // A commit that is not here any more has no monitors here either.
    private IEnumerable<TreeEntry.File> Files(ObjectId commit)
    {
        try
        {
            return TreePath.Find(data.Repository.ReadTree, data.Repository.ReadCommit(commit).Tree, Directory) is TreeEntry.Directory directory
                ? data.Repository.ReadTree(directory.Id).Entries.OfType<TreeEntry.File>().Where(f => f.Name.ToString().EndsWith(Ending, StringComparison.Ordinal))
                : [];
        }
        catch (Exception e) when (e is NotFoundException or ObjectNotFoundException)
        {
            return [];
        }
        catch (CorruptObjectException e)
        {
            _wrong.Add(e.Message);
            return [];
        }
    }

    private string Text(TreeEntry.File file)
    {
        if (file.Size > MonitorFile.MaxBytes)
            throw new FormatException($"{Directory}/{file.Name}: longer than {MonitorFile.MaxBytes} bytes");
        using var content = new StoredContent(data.Repository);
        var text = new MemoryStream();
        content.Read(new ObjectName(ObjectKind.File, file.Id), file.Size, text.Write);
        return Encoding.UTF8.GetString(text.ToArray());
    }
}
