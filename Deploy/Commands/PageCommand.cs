using System.CommandLine;
using ContentTree.Deploy.Pages;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary><c>page password</c>: what the device's own page asks for.</summary>
internal static class PageCommand
{
    public static Command Create(Globals globals) => new("page", "the page by which people at the device steer it") { Password(globals) };

    private static Command Password(Globals globals)
    {
        var file = new Argument<string?>("FILE") { Description = "a file whose first line is the password; '-' reads it from standard input", Arity = ArgumentArity.ZeroOrOne };
        var remove = new Option<bool>("--remove") { Description = "ask for none any more" };
        var command = new Command("password", "set what the page asks for") { file, remove };
        command.SetAction(globals.Run((context, parse, cancellation) => context.ChangeAsync(device =>
        {
            var (path, password) = (parse.GetValue(file), new PagePassword(device.Root));
            if ((path is not null) == parse.GetValue(remove))
                throw new StoppedException(ExitCode.Usage, "needs either FILE or '-' to set a password, or --remove");
            if (path is not null)
                password.Set(FirstLine(path));
            else if (!password.Remove())
                throw new StoppedException(ExitCode.NotFound, "there is no password to remove");
            context.Output.Say(path is null ? "the page asks for no password" : "the page asks for this password; who was logged in is not any more");
            return ExitCode.Done;
        }, cancellation)));
        return command;
    }

    private static string FirstLine(string path)
    {
        if (path == "-")
            return Console.In.ReadLine() ?? "";
        using var reader = new StreamReader(path);
        return reader.ReadLine() ?? "";
    }
}
