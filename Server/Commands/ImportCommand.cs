using System.CommandLine;
using ContentTree.Server.Publishing;
using ContentTree.Server.Publishing.Sources.Ostree;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>import</c>: what another system has published becomes a branch's next commit.</summary>
internal static class ImportCommand
{
    public static Command Create(CommandContext context) => new("import", "Bring in what another system has published.") { Ostree(context) };

    private static Command Ostree(CommandContext context)
    {
        var repository = new Argument<string>("REPO") { Description = "a repository's directory, or its address (http, https)" };
        var reference = new Option<string?>("--ref")
        {
            Description = "a ref, REMOTE:REF, or a commit's whole checksum (default: the only ref)",
            HelpName = "REF",
        };
        reference.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !OstreeAddress.IsRevision(text))
                result.AddError($"'{text}' is no ref and no commit of OSTree");
        });
        var expect = new Option<string?>("--expect") { Description = "refuse every other commit than this one (its whole checksum)", HelpName = "CHECKSUM" };
        expect.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is { } text && !ObjectId.TryParse(text, out _))
                result.AddError("--expect wants a commit's checksum: 64 lower-case hex digits");
        });
        var settings = new PublishSettings();
        var command = new Command("ostree", "Publish a commit of an OSTree repository as the next commit of a branch.") { repository, reference, expect };
        settings.AddTo(command);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            var source = OstreeAddress.Prefix + parsed.GetRequiredValue(repository) + (parsed.GetValue(reference) is { } named ? "#" + named : "");
            var options = settings.Read(parsed, source) with { ExpectedRevision = parsed.GetValue(expect), Verb = BranchMove.Import };
            await settings.PublishAsync(context, parsed, options, cancellation);
            return ExitCode.Done;
        });
    }
}
