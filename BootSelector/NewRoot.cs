using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// A place that becomes the root of the booted system: the deployment read-only, its own /etc, the device's /var and /ctree.
/// </summary>
internal sealed class NewRoot(DeviceLayout layout, string target, Terminal terminal)
{
    private const int UncountedPauseSeconds = 5;

    /// <summary>Finds out before anything is counted whether this process may mount at the place.</summary>
    /// <exception cref="IOException">It may not, or the place is no directory.</exception>
    public void CheckPossible()
    {
        if (!Directory.Exists(target))
            throw new IOException($"{target} is no directory");
        Mounts.Bind(target, target, readOnly: false);
        _ = Libc.umount2(target, Libc.MNT_DETACH);
    }

    /// <summary>
    /// Chooses, counts and builds until one deployment could be built. Null when nothing is left. With <paramref name="init"/>
    /// a tree without that program counts as broken.
    /// </summary>
    public Choice? Make(Selector selector, KernelCommandLine commandLine, string? init)
    {
        var kernel = new KernelMatch(layout, selector.BootDirectory, commandLine, terminal);
        while (true)
        {
            var choice = selector.Choose();
            BootLog.Add(layout, choice, terminal);
            if (choice.Decision is not BootDecision.Boot boot)
                return null;
            var verdict = kernel.Judge(choice, boot);
            if (verdict == KernelVerdict.Reboot)
                return Restart();
            if (verdict == KernelVerdict.PassOver)
            {
                selector.Exclude(boot.Deployment, "the loader did not start its kernel");
                continue;
            }
            try
            {
                Build(boot.Deployment, init);
                Finish(choice, boot, commandLine);
                return choice;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The agent that draws the conclusions reads it: a power cut leaves no such line.
                BootLog.Note(layout, BootNote.CannotBoot(boot.Deployment) + e.Message, terminal);
                Mounts.Remove(target);
                selector.Exclude(boot.Deployment, "it cannot be booted: " + e.Message);
            }
        }
    }

    private Choice? Restart()
    {
        Libc.sync();
        _ = Libc.reboot(Libc.RB_AUTOBOOT);
        terminal.Say(Kernel.Error("cannot reboot", "the machine").Message);
        return null;
    }

    /// <summary>Mounts one deployment at the place, with all that init finds there.</summary>
    /// <exception cref="IOException">It cannot be mounted, or has no such init.</exception>
    public void Build(DeploymentName name, string? init)
    {
        Mounts.Bind(layout.Deployment(name), target, readOnly: true);
        if (init is not null && !Libc.ExistsInRoot(target, init))
            throw new IOException($"it has no {init}");
        TryAt("etc", place => Mounts.Bind(layout.Etc(name), place, readOnly: false));
        TryAt("ctree", place => Mounts.Bind(Path.Combine(layout.Root, "ctree"), place, readOnly: true));
        if (BootPartition.IsMounted(layout))
            TryAt("ctree/boot", place => Mounts.Bind(layout.Boot, place, readOnly: true));
        TryAt("tmp", place => Mounts.Memory(place, "1777"));
        if (Directory.Exists(layout.Var))
            TryAt("var", place => Mounts.Bind(layout.Var, place, readOnly: false));
        else
            TryAt("var", MemoryVar);
        foreach (var path in DataPaths.Read(layout, name))
            TryAt(path, _ => BindData(path));
    }

    // No link on either side: what is behind one may be anybody's.
    private void BindData(string path)
    {
        var (source, place) = (layout.Data, target);
        foreach (var segment in path.Split('/'))
        {
            (source, place) = (Path.Combine(source, segment), Path.Combine(place, segment));
            foreach (var directory in new[] { source, place })
            {
                if (Kernel.StatusOf(directory) is not { IsDirectory: true })
                    throw new IOException($"/{path} is not the device's data: {directory} is no directory");
            }
        }
        Mounts.Bind(source, place, readOnly: false);
    }

    private void MemoryVar(string place)
    {
        terminal.Say($"{layout.Var} is missing: /var is a tmpfs and is lost at the next boot");
        Mounts.Memory(place, "755");
    }

    // A tree may lack a mount point or its part; what is left of it may still reach the update server.
    private void TryAt(string place, Action<string> mount)
    {
        try
        {
            mount(Path.Combine(target, place));
        }
        catch (IOException e)
        {
            terminal.Say(e.Message);
        }
    }

    private void Finish(Choice choice, BootDecision.Boot boot, KernelCommandLine commandLine)
    {
        SmallFile.Write(BootedRecord.DefaultPath, choice.Booted(boot).Format());
        if (choice.IsTrial)
            new TrialGuard(commandLine, terminal).Arm(boot.Deployment, hasSystemd: HasSystemd());
        if (boot is { Reason: BootReason.Wanted, Save: null })
        {
            Rescue.Forget(layout);
            new BackOff(layout, commandLine, terminal, Thread.Sleep).BeforeBoot(boot.Deployment);
        }
        if (boot.Uncounted)
            Pause(boot.Deployment);
    }

    private bool HasSystemd() =>
        Libc.ExistsInRoot(target, "/lib/systemd/systemd") || Libc.ExistsInRoot(target, "/usr/lib/systemd/systemd");

    // Without a count this may go round for ever; then at least not fast.
    private void Pause(DeploymentName name)
    {
        terminal.Say($"{name} boots uncounted, in {UncountedPauseSeconds} s");
        Thread.Sleep(TimeSpan.FromSeconds(UncountedPauseSeconds));
    }
}
