using System.CommandLine;
using ContentTree.Server.Dashboard.Login;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>admin-link</c>: a link that lets its holder choose an admin's name and password, once.</summary>
internal static class AdminLinkCommand
{
    public static Command Create(CommandContext context)
    {
        var url = new Option<string>("--url") { Description = "where people reach the server", HelpName = "URL", DefaultValueFactory = _ => ServeCommand.DefaultUrl };
        return CommandContext.Run(new Command("admin-link", "Print a link that sets up an admin of the dashboard, once; earlier links end.") { url }, (parsed, _) =>
        {
            using var data = context.OpenData(parsed);
            context.Terminal.Out.WriteLine(Make(data, context, parsed.GetValue(url) ?? ""));
            return ExitCode.Done;
        });
    }

    /// <summary>While nobody can log in, each start of the server prints a link: the one before may be lost.</summary>
    public static void PrintFirst(DataDirectory data, CommandContext context, string url)
    {
        if (new Users(data.OpenDatabase(), context.Time).IsEmpty())
            context.Terminal.Out.WriteLine($"dashboard: {Make(data, context, url)} (good once, for {LoginLinks.Validity.TotalHours:0} hours)");
    }

    private static string Make(DataDirectory data, CommandContext context, string url)
    {
        context.Note(data, "user.link", "admin");
        return $"{url.TrimEnd('/')}/welcome/{new LoginLinks(data.OpenDatabase(), context.Time).Create()}";
    }
}
