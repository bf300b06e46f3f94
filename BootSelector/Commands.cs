using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>The verbs of the command line; PID 1 goes another way.</summary>
internal static class Commands
{
    public static int Run(string[] words, KernelCommandLine commandLine, Terminal terminal)
    {
        var options = Options.Parse(words, out var problem);
        if (options is null)
        {
            terminal.Say(problem);
            terminal.Say(Options.Help);
            return ExitCode.Usage;
        }
        try
        {
            return Run(options, commandLine, terminal);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            terminal.Say(e.Message);
            return ExitCode.Failed;
        }
    }

    private static int Run(Options options, KernelCommandLine commandLine, Terminal terminal)
    {
        var layout = new DeviceLayout(options.Root ?? "/");
        switch (options.Verb)
        {
            case "--help":
                terminal.Result(Options.Help);
                return ExitCode.Done;
            case "--version":
                terminal.Result(Choice.Version);
                return ExitCode.Done;
        }
        if (!Directory.Exists(layout.Root))
            throw new IOException($"{layout.Root} is no directory");
        var slots = new BootSlots(options.Boot ?? layout.Boot);
        var selector = new Selector(layout, slots, commandLine);
        return options.Verb switch
        {
            "--show" => Show(layout, slots, selector, terminal),
            "--print" => Print(options, layout, selector, terminal),
            "--link" => new LinkedDeployment(layout, options.Target, terminal).Make(selector),
            "--on-trial" => Trial(options, layout, slots) is null ? ExitCode.Failed : ExitCode.Done,
            "--last-words" => PrintLastWords(options, layout, slots, terminal),
            "--switch-root" => SwitchRoot(options, layout, commandLine, terminal),
            _ => new Rescue(commandLine, terminal).Reboot(layout, selector),
        };
    }

    private static int Show(DeviceLayout layout, BootSlots slots, Selector selector, Terminal terminal)
    {
        var (a, b) = slots.Inspect();
        var counts = BootSlots.Current(a, b)?.Record;
        foreach (var slot in new[] { a, b })
            terminal.Result($"{slot}{(counts is not null && ReferenceEquals(slot.Record, counts) ? " (counts)" : "")}");
        foreach (var deployment in DeploymentSet.Scan(layout))
            terminal.Result($"complete: {deployment.Name}");
        var choice = selector.Look();
        var would = choice.Decision is BootDecision.Boot boot ? "would boot " + boot.Deployment : "would go to rescue";
        terminal.Result($"{would}: {choice.Decision.Why}");
        return choice.Decision is BootDecision.Boot ? ExitCode.Done : ExitCode.Rescue;
    }

    private static int Print(Options options, DeviceLayout layout, Selector selector, Terminal terminal)
    {
        var choice = selector.Choose();
        BootLog.Add(layout, choice, terminal, toRun: options.Root is null);
        if (choice.Decision is not BootDecision.Boot boot)
            return ExitCode.Rescue;
        SmallFile.Write(BootedPath(options, layout), choice.Booted(boot).Format());
        terminal.Result(layout.Deployment(boot.Deployment));
        return ExitCode.Done;
    }

    // The boot file is asked, since only there a confirmation is certain. With a root of its own, so for a link, nothing is ended that nothing
    // could follow: rebooting somebody else's system brings nothing then.
    private static DeploymentName? Trial(Options options, DeviceLayout layout, BootSlots slots) =>
        slots.Read() is { State: BootState.Trial } record && !(options.Root is not null && record is { TriesLeft: 0, Previous: null }) &&
        BootedRecord.Read(BootedPath(options, layout)) is { Reason: not BootReason.Override } booted &&
        booted.Deployment == record.Wanted ? record.Wanted : null;

    private static int PrintLastWords(Options options, DeviceLayout layout, BootSlots slots, Terminal terminal)
    {
        if (Trial(options, layout, slots) is not { } trial)
            return ExitCode.Failed;
        terminal.Result(LastWords.Script(trial, layout.LastWords));
        return ExitCode.Done;
    }

    private static string BootedPath(Options options, DeviceLayout layout) => options.Root is null ? BootedRecord.DefaultPath : layout.Booted;

    private static int SwitchRoot(Options options, DeviceLayout layout, KernelCommandLine commandLine, Terminal terminal)
    {
        var newRoot = new NewRoot(layout, options.Target, terminal);
        newRoot.CheckPossible();
        var boot = options.Boot ?? BootPartition.Mount(layout, commandLine, terminal);
        var selector = new Selector(layout, new BootSlots(boot), commandLine);
        new PersonAtDevice(commandLine, terminal).Ask(layout, selector);
        return newRoot.Make(selector, commandLine, options.NeedsInit ? commandLine.Init : null) is null ? ExitCode.Rescue : ExitCode.Done;
    }
}
