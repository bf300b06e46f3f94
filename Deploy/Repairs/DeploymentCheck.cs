using System.Text;
using ContentTree.BootFile;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Deployments;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Repairs;

/// <summary>Compares a deployment with its commit's trees, name by name: what is missing, what is too much, what was changed.</summary>
/// <param name="device">The device.</param>
/// <param name="mend">Called with each flaw; true when it is no more. Null to look only.</param>
internal sealed class DeploymentCheck(Device device, Func<Flaw, bool>? mend = null)
{
    private readonly EntryCheck _entries = new(device.Store);
    private readonly List<VerifyDamage> _damage = [];
    private IReadOnlyList<string> _dataPaths = [];

    /// <summary>Names compared.</summary>
    public long Checked { get; private set; }

    public long Mended { get; private set; }

    /// <summary>What is wrong and was not mended.</summary>
    public IReadOnlyList<VerifyDamage> Damage => _damage;

    public void Run(DeploymentName name, ObjectId commit)
    {
        try
        {
            using var deployments = Posix.OpenDirectory(device.Layout.Deployments);
            var tree = device.Store.ReadCommit(commit).Tree;
            _dataPaths = DataPaths.Read(device.Layout, name);
            CheckDirectory(deployments, Encoding.ASCII.GetBytes(name.ToString()), tree, name.ToString(), isTop: RootFilesystem.IsOne(device.Store.ReadTree(tree)));
            if (!Directory.Exists(device.Layout.Etc(name)))
                _damage.Add(new VerifyDamage($"{name}.etc", "is missing"));
        }
        catch (Exception e) when (e is CorruptObjectException or ObjectNotFoundException or PosixException)
        {
            _damage.Add(new VerifyDamage(name.ToString(), e.Message));
        }
    }

    private void CheckDirectory(SafeFileHandle parent, ReadOnlySpan<byte> name, ObjectId id, string path, bool isTop)
    {
        var tree = device.Store.ReadTree(id);
        using var directory = Posix.OpenDirectoryAt(parent, name);
        var mended = Mended;
        foreach (var entry in tree.Entries)
            CheckEntry(directory, entry, path);
        foreach (var extra in Extras(directory, tree, path, isTop))
            Found(new Flaw(directory, extra, null, $"{path}/{extra}", "does not belong here"));
        CheckOwn(parent, name, directory, tree, path, wasMended: Mended > mended);
    }

    private void CheckEntry(SafeFileHandle directory, TreeEntry entry, string path)
    {
        Checked++;
        var where = $"{path}/{entry.Name}";
        if (_entries.Problem(directory, entry) is { } problem)
            Found(new Flaw(directory, entry.Name, entry, where, problem));
        else if (entry is TreeEntry.Directory child)
            CheckDirectory(directory, child.Name.Bytes, child.Id, where, isTop: false);
    }

    // The mount points that a root gets are in no tree.
    private IEnumerable<EntryName> Extras(SafeFileHandle directory, Tree tree, string path, bool isTop) =>
        [.. Posix.ReadDirectory(directory, path).Select(entry => EntryName.Create(entry.Name))
            .Where(name => tree.Find(name) is null && !(isTop && RootFilesystem.IsMountPoint(name.Bytes)) && !IsOnTheWay($"{path}/{name}"))];

    // Behind the deployment's name.
    private bool IsOnTheWay(string path) => DataPaths.LeadsTo(_dataPaths, path[(path.IndexOf('/', StringComparison.Ordinal) + 1)..]);

    private void CheckOwn(SafeFileHandle parent, ReadOnlySpan<byte> name, SafeFileHandle directory, Tree tree, string path, bool wasMended)
    {
        if (Posix.StatAt(parent, name) is not { } stat || _entries.InodeProblem(parent, name, stat, tree.Metadata) is not { } problem)
            return;
        if (mend is not null)
            device.Store.Inodes.Apply(directory, tree.Metadata, isDirectory: true, path);
        else
            _damage.Add(new VerifyDamage(path, problem));
        if (mend is not null && !wasMended)
            Mended++;
    }

    private void Found(Flaw flaw)
    {
        if (mend?.Invoke(flaw) == true)
            Mended++;
        else
            _damage.Add(new VerifyDamage(flaw.Path, flaw.Reason));
    }
}
