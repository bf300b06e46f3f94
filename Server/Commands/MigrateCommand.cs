using System.CommandLine;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>migrate</c>: what a server knows, into another database.</summary>
internal static class MigrateCommand
{
    public static Command Create(CommandContext context)
    {
        var to = new Option<string>("--to")
        {
            Description = "postgresql://USER@HOST:PORT/NAME (docs/scale.md), or server.db for the file in the data directory",
            HelpName = "DATABASE",
            Required = true,
        };
        return CommandContext.Run(new Command("migrate", "Move devices, policies, tokens and all else that is no release into another database; no server may run meanwhile.") { to }, (parsed, _) =>
        {
            var path = context.DataPath(parsed);
            using (DataDirectory.Open(path))
            {
                // Nothing was initialised there, or a restore has not ended: that is said first.
            }
            var address = parsed.GetRequiredValue(to);
            var rows = new DatabaseMove(path).Run(address == DataDirectory.DatabaseName ? null : address);
            context.Terminal.Error.WriteLine($"{rows} rows moved; {ServerSettings.FileName} says where they are, for every server of this data");
            context.Terminal.Out.WriteLine(address == DataDirectory.DatabaseName ? address : PostgresAddress.Parse(address).Name);
            return ExitCode.Done;
        });
    }
}
