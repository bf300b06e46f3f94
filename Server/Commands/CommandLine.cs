using System.CommandLine;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary>The program's verbs, and the one place where a failure becomes a message and an exit code.</summary>
internal static class CommandLine
{
    /// <summary>After a signal; a verb that waits for a lock cannot be asked, and all of them survive being cut off.</summary>
    private static readonly TimeSpan EndTime = TimeSpan.FromSeconds(2);

    public static async Task<int> RunAsync(IReadOnlyList<string> args, Terminal terminal, TimeProvider time)
    {
        // '@' starts a time here, not the name of a file with more arguments.
        var parsed = Create(new CommandContext(terminal, time)).Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        var configuration = new InvocationConfiguration
        {
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = parsed.CommandResult.Command.Name == ServeCommand.Name ? ServeCommand.ShutdownTime : EndTime,
            Output = terminal.Out,
            Error = terminal.Error,
        };
        try
        {
            var result = await parsed.InvokeAsync(configuration);
            return parsed.Errors.Count > 0 ? (int)ExitCode.Usage : result;
        }
        catch (Exception e)
        {
            var failure = Failure.Of(e);
            if (failure.Code != ExitCode.Cancelled)
                await terminal.Error.WriteLineAsync($"ctree-server: {failure.Message}");
            return (int)(parsed.CommandResult.Command.Name == DiffCommand.Name ? ExitCode.Usage : failure.Code);
        }
    }

    private static RootCommand Create(CommandContext context) => new("Publishes file trees to fleets of devices and serves them.")
    {
        context.Data,
        context.AllowHttp,
        InitCommand.Create(context),
        ServeCommand.Create(context),
        PublishCommand.Create(context),
        ImportCommand.Create(context),
        ExportCommand.Create(context),
        BranchCommand.Create(context),
        RecipeCommand.Create(context),
        FollowCommand.Create(context),
        LogCommand.Create(context),
        ShowCommand.Create(context),
        LsCommand.Create(context),
        DiffCommand.Create(context),
        CatCommand.Create(context),
        CheckoutCommand.Create(context),
        DeltaCommand.Create(context),
        BundleCommand.Create(context),
        FsckCommand.Create(context),
        GcCommand.Create(context),
        BackupCommand.Create(context),
        RestoreCommand.Create(context),
        MigrateCommand.Create(context),
        DeviceCommand.Create(context),
        GroupCommand.Create(context),
        ConfigurationCommand.Create(context),
        RolloutCommand.Create(context),
        TransferCommand.Create(context),
        TopCommand.Create(context),
        MonitoringCommand.Create(context),
        SimulateCommand.Create(context),
        TokenCommand.Create(context),
        AuditCommand.Create(context),
        WebhookCommand.Create(context),
        UserCommand.Create(context),
        AdminLinkCommand.Create(context),
        KeyCommand.Create(context),
        SignCommand.Create(context),
    };
}
