using System.CommandLine;
using ContentTree.Server.Fleet.Policies;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>follow|pin|ceiling|hold|release</c>: the same verbs for devices, groups and branches.</summary>
internal static class PolicyVerbs
{
    private const string None = "none";

    /// <param name="noun">What the argument names.</param>
    /// <param name="argument">A fresh one for each verb.</param>
    /// <param name="scope">Reads it.</param>
    /// <param name="print">What is printed of what was said; null for nothing said any more.</param>
    public static IEnumerable<Command> Create<T>(CommandContext context, string noun, Func<Argument<T>> argument, Func<T, PolicyScope> scope, Func<T, PolicyInfo?, string> print)
    {
        yield return Saying(context, "follow", $"Have {noun} follow the branch's head, whatever wider policies say.", argument, scope, print, _ => new PolicyRequest("follow"));
        yield return Naming(context, "pin", $"Have {noun} run one commit of its branch, also an older one.", argument, scope, print);
        yield return Naming(context, "ceiling", $"Have {noun} follow the branch, but not past a commit.", argument, scope, print);
        yield return Saying(context, "hold", $"Have {noun} take no updates.", argument, scope, print, _ => new PolicyRequest("hold"));
        yield return Saying(context, "release", $"Take back what was said of {noun}: wider policies decide again.", argument, scope, print, _ => null);
    }

    private static Command Naming<T>(CommandContext context, string name, string what, Func<Argument<T>> argument, Func<T, PolicyScope> scope, Func<T, PolicyInfo?, string> print)
    {
        var commit = new Argument<string>($"COMMIT|{None}") { Description = $"{CommitReference.Help} that the branch has had; none: as 'release'" };
        var command = Saying(context, name, what, argument, scope, print, parsed => parsed.GetRequiredValue(commit) is var text && text == None ? null : new PolicyRequest(name, text));
        command.Add(commit);
        return command;
    }

    private static Command Saying<T>(
        CommandContext context, string name, string what, Func<Argument<T>> argument, Func<T, PolicyScope> scope, Func<T, PolicyInfo?, string> print, Func<ParseResult, PolicyRequest?> read)
    {
        var whom = argument();
        var command = new Command(name, what) { whom };
        var reason = new Option<string?>("--reason") { Description = "why, one line; people at the device read it", HelpName = "TEXT" };
        var expires = CommandContext.When("--until", "when it ends by itself (default: never)");
        expires.Aliases.Add("--expires");
        var preview = new Option<bool>("--preview") { Description = "only say for how many devices it would change what they should run" };
        var signers = new SignerOptions();
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        foreach (var option in new Option[] { reason, expires, preview, server, token })
            command.Add(option);
        signers.AddTo(command);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var fleet = PolicyAccess.Open(context, parsed, server, token);
            var given = parsed.GetRequiredValue(whom);
            var request = read(parsed) is { } said ? said with { Reason = parsed.GetValue(reason), Expires = parsed.GetValue(expires) } : null;
            if (parsed.GetValue(preview))
                PrintPreview(context.Terminal, await fleet.PreviewAsync(scope(given), request, cancellation));
            else if (request is not null)
                context.Terminal.Out.WriteLine(print(given, await fleet.SetPolicyAsync(scope(given), request, signers.Read(parsed), cancellation)));
            else
            {
                await fleet.RemovePolicyAsync(scope(given), signers.Read(parsed), cancellation);
                context.Terminal.Out.WriteLine(print(given, null));
            }
            return ExitCode.Done;
        });
    }

    private static void PrintPreview(Terminal terminal, PolicyPreview preview)
    {
        terminal.Out.WriteLine($"{preview.Changes.Sum(c => c.Devices)} of {preview.Devices} devices would run another commit");
        terminal.PrintTable(["DEVICES", "FROM", "TO"], [.. preview.Changes.Select(c => new[] { $"{c.Devices}", Printing.Short(c.From), Printing.Short(c.To) })]);
    }
}
