using System.CommandLine;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>init</c>: repository, release key, trust root, database and the first admin token. Twice is as good as once.</summary>
internal static class InitCommand
{
    public static Command Create(CommandContext context) => CommandContext.Run(
        new Command("init", "Make the server's directory: repository, keys, database; prints the first admin token once."),
        (parsed, _) =>
        {
            using var data = DataDirectory.Create(context.DataPath(parsed), context.Time);
            context.Terminal.Out.WriteLine($"data: {Path.GetFullPath(data.Path)}");
            context.Terminal.Out.WriteLine($"trust root: {data.Trust.Load().Fingerprint}");
            PrintFirstToken(data, context);
            return ExitCode.Done;
        });

    /// <summary>The first admin token is shown when it is made, and never again.</summary>
    public static void PrintFirstToken(DataDirectory data, CommandContext context)
    {
        if (new Tokens(data.OpenDatabase(), context.Time).CreateFirstAdmin() is not { } token)
            return;
        context.Note(data, "token.create", token.Id, after: token.Role);
        context.Terminal.Out.WriteLine($"admin token: {token.Token}");
    }
}
