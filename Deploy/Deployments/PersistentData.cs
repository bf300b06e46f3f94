using System.Text;
using ContentTree.BootFile;
using ContentTree.Store;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.Deployments;

/// <summary>What is the device's own in every deployment: /var and the paths of <c>deploy.data</c>. Each is filled once, from the first tree that is deployed with it.</summary>
internal sealed class PersistentData(Device device)
{
    private const int DirectoryMode = 0x1ed;

    private static ReadOnlySpan<byte> Staging => ".new-data"u8;

    /// <summary>Says before anything is written when a declared path cannot be one in this tree.</summary>
    /// <exception cref="StoppedException">Something other than directories is on the way there.</exception>
    public void Require(ObjectId tree)
    {
        foreach (var path in device.Config.DataPaths)
            _ = TryFind(tree, path);
    }

    /// <summary>From then on it is the device's own data, and no tree touches it again.</summary>
    public void Fill(ObjectId tree)
    {
        using var data = Posix.OpenDirectory(device.Root.Data);
        foreach (var path in device.Config.DataPaths.Prepend("var"))
            Fill(data, tree, path);
    }

    /// <summary>Writes down what the selector is to bind in a deployment.</summary>
    public void Declare(SafeFileHandle deployments, DeploymentName name)
    {
        if (device.Config.DataPaths is { Count: > 0 } paths)
            DurableFiles.Replace(deployments, Encoding.ASCII.GetBytes($"{name}.data"), Encoding.UTF8.GetBytes(DataPaths.Format(paths)));
    }

    private void Fill(SafeFileHandle data, ObjectId tree, string path)
    {
        var names = path.Split('/');
        using var parent = OpenParent(data, names[..^1]);
        var last = Encoding.UTF8.GetBytes(names[^1]);
        if (Posix.StatAt(parent, last) is { } stat)
        {
            if (stat.Type != FileType.Directory)
                throw new StoppedException(ExitCode.Held, $"{device.Root.Data}/{path} is not a directory, so it cannot be the device's data");
            return;
        }
        TreeCheckout.Remove(data, Staging);
        if (TryFind(tree, path) is { } id)
            TreeCheckout.Run(device.Store, id, data, Staging, CheckoutMode.Copy);
        else
            Posix.MakeDirectoryAt(data, Staging, DirectoryMode);
        Posix.SyncFilesystem(data, device.Root.Data);
        Posix.RenameAt(data, Staging, parent, last);
    }

    private static SafeFileHandle OpenParent(SafeFileHandle data, string[] names)
    {
        var directory = Posix.OpenDirectoryAt(data, "."u8);
        foreach (var name in names)
        {
            var bytes = Encoding.UTF8.GetBytes(name);
            if (Posix.StatAt(directory, bytes) is null)
                Posix.MakeDirectoryAt(directory, bytes, DirectoryMode);
            var next = Posix.OpenDirectoryAt(directory, bytes);
            directory.Dispose();
            directory = next;
        }
        return directory;
    }

    private ObjectId? TryFind(ObjectId tree, string path)
    {
        var read = device.Store.ReadTree(tree);
        var names = path.Split('/');
        for (var i = 0; ; i++)
        {
            switch (read.Find(EntryName.Create(Encoding.UTF8.GetBytes(names[i]))))
            {
                case null:
                    return null;
                case TreeEntry.Directory directory when i == names.Length - 1:
                    return directory.Id;
                case TreeEntry.Directory directory:
                    read = device.Store.ReadTree(directory.Id);
                    break;
                default:
                    throw new StoppedException(ExitCode.Held,
                        $"the tree's /{string.Join('/', names[..(i + 1)])} is not a directory, so {(path == "var" ? "the device's data" : $"'{path}' of deploy.data")} cannot be mounted there");
            }
        }
    }
}
