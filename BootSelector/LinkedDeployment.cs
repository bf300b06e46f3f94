using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// An application directory instead of a root: a symlink that leads to the chosen deployment, swapped in one durable step, on a
/// system that somebody else boots.
/// </summary>
internal sealed class LinkedDeployment(DeviceLayout layout, string link, Terminal terminal)
{
    /// <summary>Chooses, counts, shows the deployment read-only where that is possible, and lets the link lead to it.</summary>
    public int Make(Selector selector)
    {
        var choice = selector.Choose();
        BootLog.Add(layout, choice, terminal, toRun: false);
        if (choice.Decision is not BootDecision.Boot boot)
        {
            // Else the deadline would take what was chosen earlier for a trial that runs, and reboot for ever.
            File.Delete(layout.Booted);
            SlotFile.FlushDirectory(layout.State);
            return ExitCode.Rescue;
        }
        Protect(boot.Deployment);
        Swap(layout.Deployment(boot.Deployment));
        UncoverOthers(boot.Deployment);
        SmallFile.Write(layout.Booted, choice.Booted(boot).Format());
        terminal.Result(layout.Deployment(boot.Deployment));
        return ExitCode.Done;
    }

    // The application must not write through hard links into the store. Only root can see to that; others run unprotected.
    private void Protect(DeploymentName name)
    {
        var directory = layout.Deployment(name);
        try
        {
            Mounts.Remove(directory);
            Mounts.Bind(directory, directory, readOnly: true);
        }
        catch (IOException e)
        {
            terminal.Say("the deployment is not protected from writes: " + e.Message);
        }
    }

    // What is still in use keeps its view; a deployment that is shown nowhere can be removed, also from another mount namespace.
    private void UncoverOthers(DeploymentName name)
    {
        foreach (var path in Directory.GetDirectories(layout.Deployments))
        {
            if (DeploymentName.TryParse(Path.GetFileName(path), out var other) && other != name)
                Mounts.Remove(path);
        }
    }

    private void Swap(string target)
    {
        if (new FileInfo(link).LinkTarget == target)
            return;
        if (Kernel.StatusOf(link) is { IsDirectory: true })
            throw new IOException($"{link} is a directory, not a link: move it away once");
        var parent = Path.GetDirectoryName(link) ?? "/";
        Directory.CreateDirectory(parent);
        var next = link + ".ctree-new";
        File.Delete(next);
        File.CreateSymbolicLink(next, target);
        Libc.Check(Libc.rename(next, link), "cannot replace", link);
        SlotFile.FlushDirectory(parent);
    }
}
