using System.CommandLine;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary><c>device pin|hold</c>: tells one device to do other than to follow its branch.</summary>
internal static class AssignCommand
{
    private const string None = "none";

    public static Command Pin(CommandContext context, Argument<KeyId> id)
    {
        var commit = new Argument<string>("COMMIT|none") { Description = $"{CommitReference.Help} that its branch has had; none: it follows its branch again" };
        return Create(context, new Command("pin", "Have a device run one commit of its branch, also an older one.") { id, commit }, id, parsed => parsed.GetRequiredValue(commit) switch
        {
            None => new AssignmentRequest("follow"),
            var text => new AssignmentRequest("pin", text),
        });
    }

    public static Command Hold(CommandContext context, Argument<KeyId> id) =>
        Create(context, new Command("hold", "Have a device take no updates; 'device pin DEVICE none' ends it.") { id }, id, _ => new AssignmentRequest("hold"));

    private static Command Create(CommandContext context, Command command, Argument<KeyId> id, Func<ParseResult, AssignmentRequest> read)
    {
        var reason = new Option<string?>("--reason") { Description = "why, one line; people at the device read it", HelpName = "TEXT" };
        var expires = CommandContext.When("--expires", "when it ends by itself (default: in ten years)");
        var signers = new SignerOptions();
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        foreach (var option in new Option[] { reason, expires, server, token })
            command.Add(option);
        signers.AddTo(command);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var fleet = FleetAccess.Open(context, parsed, server, token);
            var request = read(parsed) with { Reason = parsed.GetValue(reason), Expires = parsed.GetValue(expires) };
            var told = await fleet.AssignAsync(parsed.GetValue(id), request, signers.Read(parsed), cancellation);
            context.Terminal.Out.WriteLine($"{parsed.GetValue(id)} {told.Action}{(told.Commit is { } commit ? $" {commit}" : "")}");
            return ExitCode.Done;
        });
    }
}
