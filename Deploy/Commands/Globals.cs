using System.CommandLine;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Commands;

/// <summary>The options that every verb takes, and how each verb is run.</summary>
internal sealed class Globals(TextWriter results, Stream raw, TextWriter people, bool isTerminal, TimeProvider clock)
{
    private readonly Option<string?> _root = new("--root")
    {
        Description = "the physical root that holds ctree/",
        HelpName = "DIR",
        Recursive = true,
    };

    private readonly Option<bool> _json = new("--json") { Description = "results as JSON, progress as JSON lines", Recursive = true };

    private readonly Option<bool> _wait = new("--wait") { Description = "wait while another process holds the lock", Recursive = true };

    public void AddTo(RootCommand command)
    {
        command.Options.Add(_root);
        command.Options.Add(_json);
        command.Options.Add(_wait);
    }

    /// <summary>A verb's action; failures become messages and exit codes in one place.</summary>
    public Func<ParseResult, CancellationToken, Task<int>> Run(
        Func<CommandContext, ParseResult, CancellationToken, Task<ExitCode>> verb) => async (parse, cancellation) =>
    {
        var output = new Output(results, raw, people, parse.GetValue(_json), isTerminal);
        var context = new CommandContext(Root(parse), parse.CommandResult.Command.Name, output, parse.GetValue(_wait), clock);
        try
        {
            return (int)await verb(context, parse, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (Outcome.CodeOf(e) is { } code)
        {
            if (context.Verb == DiffCommand.Name)
                code = ExitCode.Usage;
            output.Error((int)code, Outcome.MessageOf(e));
            return (int)code;
        }
    };

    private DeviceRoot Root(ParseResult parse) =>
        parse.GetValue(_root) is { } given ? new DeviceRoot(Path.GetFullPath(given), IsGiven: true) : new DeviceRoot("/", IsGiven: false);
}
