using System.CommandLine;
using ContentTree.Server.Storage;
using ContentTree.Server.Storage.Buckets;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>migrate</c>: what a server knows into another database, its objects into a bucket, or back.</summary>
internal static class MigrateCommand
{
    private const string Here = "directory";

    public static Command Create(CommandContext context)
    {
        var to = new Option<string>("--to")
        {
            Description = "postgresql://USER@HOST:PORT/NAME (docs/scale.md), or server.db for the file in the data directory",
            HelpName = "DATABASE",
        };
        var from = new Option<string>("--from")
        {
            Description = "where the rows are, when server.conf names their new place already: server.db (or sqlite), or postgresql://...",
            HelpName = "DATABASE",
        };
        var objectsTo = new Option<string>("--objects-to")
        {
            Description = "s3://BUCKET/PREFIX?endpoint=URL (docs/scale.md), or directory for the data directory",
            HelpName = "PLACE",
        };
        var command = new Command("migrate", "Move devices, policies, tokens and all else that is no release into another database, or objects into a bucket; no server may run meanwhile.") { to, from, objectsTo };
        command.Validators.Add(result =>
        {
            if (new[] { result.GetValue(to), result.GetValue(from), result.GetValue(objectsTo) }.Count(given => given is not null) != 1)
                result.AddError("say one of --to DATABASE, --from DATABASE and --objects-to PLACE");
        });
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            var path = context.DataPath(parsed);
            if (parsed.GetValue(objectsTo) is { } place)
                return await MoveObjectsAsync(context, path, place, cancellation);
            if (parsed.GetValue(from) is { } left)
                return MoveFrom(context, path, left is DataDirectory.DatabaseName or "sqlite" ? null : left);
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

    private static ExitCode MoveFrom(CommandContext context, string path, string? left)
    {
        var rows = new DatabaseMove(path).RunFrom(left);
        context.Terminal.Error.WriteLine($"{rows} rows moved to where {ServerSettings.FileName} says");
        context.Terminal.Out.WriteLine(ServerSettings.Load(path).Database?.Name ?? DataDirectory.DatabaseName);
        return ExitCode.Done;
    }

    private static async Task<ExitCode> MoveObjectsAsync(CommandContext context, string path, string place, CancellationToken cancellation)
    {
        DataDirectory.RequireThere(path);
        var move = new ObjectMove(path);
        var (objects, bytes) = place == Here ? await move.ToDirectoryAsync(cancellation) : await move.ToBucketAsync(place, cancellation);
        context.Terminal.Error.WriteLine($"{objects} objects copied, {bytes} bytes; {ServerSettings.FileName} says where they are, for every server of this data");
        context.Terminal.Out.WriteLine(place == Here ? Here : BucketAddress.Parse(place).Name);
        return ExitCode.Done;
    }
}
