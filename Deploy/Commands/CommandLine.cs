using System.CommandLine;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary>The <c>ctree</c> program: one file per verb in this folder.</summary>
internal static class CommandLine
{
    public static Task<int> RunAsync(
        string[] arguments, TextWriter results, TextWriter people, bool isTerminal = false, TimeProvider? clock = null,
        Stream? raw = null, CancellationToken cancellation = default)
    {
        var parsed = Create(new Globals(results, raw ?? Stream.Null, people, isTerminal, clock ?? TimeProvider.System)).Parse(arguments);
        if (parsed.Errors.Count == 0)
            return parsed.InvokeAsync(new InvocationConfiguration { Output = results, Error = people, EnableDefaultExceptionHandler = false }, cancellation);
        foreach (var error in parsed.Errors)
            people.WriteLine($"ctree: {error.Message}");
        people.WriteLine("ctree: 'ctree --help' shows the verbs, 'ctree VERB --help' what one takes");
        return Task.FromResult((int)ExitCode.Usage);
    }

    /// <summary>Every verb, for the tests of the pages that list them.</summary>
    public static IReadOnlyList<Command> Verbs() =>
        [.. Create(new Globals(TextWriter.Null, Stream.Null, TextWriter.Null, false, TimeProvider.System)).Subcommands];

    private static RootCommand Create(Globals globals)
    {
        var root = new RootCommand("Keeps this device on the tree its operators chose.");
        globals.AddTo(root);
        Command[] verbs =
        [
            AgentCommand.Create(globals),
            InitCommand.Create(globals), UpdateCommand.Create(globals), PlanCommand.Create(globals), PullCommand.Create(globals),
            DeployCommand.Create(globals), StatusCommand.Create(globals), LogCommand.Create(globals),
            RollbackCommand.Create(globals), ConfirmCommand.Create(globals), SwitchCommand.Create(globals),
            DenyCommand.Create(globals), AllowCommand.Create(globals), HoldCommand.Create(globals), ReleaseCommand.Create(globals),
            KeepCommand.CreateKeep(globals), KeepCommand.CreateUnkeep(globals), GcCommand.Create(globals),
            VerifyCommand.Create(globals), RepairCommand.Create(globals), BundleCommand.Create(globals),
            LsCommand.Create(globals), CatCommand.Create(globals), DiffCommand.Create(globals), ConfigCommand.Create(globals), KeyCommand.Create(globals), PageCommand.Create(globals),
        ];
        foreach (var verb in verbs)
            root.Subcommands.Add(verb);
        return root;
    }
}
