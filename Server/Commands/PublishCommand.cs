using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Compositions;
using ContentTree.Server.Publishing;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>publish</c>: a source becomes a commit, and the branch moves to it. The commit id is the last line on stdout.</summary>
internal static class PublishCommand
{
    public static Command Create(CommandContext context)
    {
        var source = new Argument<string>("SOURCE") { Description = "a directory, a tar archive (also packed), or git:REPOSITORY#REVISION" };
        var branch = new Option<BranchName?>("--branch")
        {
            Description = "the branch to move",
            HelpName = "BRANCH",
            Required = true,
            CustomParser = result => BranchName.TryParse(result.Tokens[0].Value, out var name)
                ? name
                : CommandContext.Fail<BranchName?>(result, $"'{result.Tokens[0].Value}' is no branch name: letters, digits, '.', '_' and '-' in segments joined by '/'"),
        };
        var subject = new Option<string>("--subject") { Description = "one line that says what changed", DefaultValueFactory = _ => "" };
        var version = new Option<string>("--version") { Description = "the version people know it by", DefaultValueFactory = _ => "" };
        var compatible = new Option<string[]>("--compatible") { Description = "hardware it is for; may be given several times (default: any)", HelpName = "HW" };
        var requires = new Option<string[]>("--requires") { Description = "what it needs beside it in a composition; may be given several times", HelpName = "'BRANCH >= VERSION'" };
        var created = CommandContext.When("--created", "when the commit says it was made (default: now); fixed, equal trees get equal commit ids");
        var owner = new Option<(uint, uint)?>("--owner")
        {
            Description = "numeric owner and group of every entry (default: the files' own)",
            HelpName = "UID:GID",
            CustomParser = result => ParseOwner(result.Tokens[0].Value) ?? CommandContext.Fail<(uint, uint)?>(result, "--owner wants two numbers, for instance 0:0"),
        };
        var noCache = new Option<bool>("--no-cache") { Description = "read every file, also those unchanged by their change time" };
        var allowPrivileged = new Option<bool>("--allow-privileged") { Description = "new setuid programs, capabilities and device nodes are meant, where server.conf refuses them" };
        var json = CommandContext.Json();
        var unsigned = new Option<string?>("--unsigned")
        {
            Description = "do not move the branch: write the head here, for 'sign' and then 'branch advance'",
            HelpName = "FILE",
        };
        var signers = new SignerOptions();
        var server = CommandContext.Server();
        var token = CommandContext.Token();
        var cache = new Option<string>("--cache")
        {
            Description = "with --server: where compressed objects are kept between publishes",
            HelpName = "DIR",
            DefaultValueFactory = _ => RemotePublisher.DefaultCache,
        };
        var command = new Command("publish", "Publish a source as the next commit of a branch.")
        {
            source, branch, subject, version, compatible, requires, created, owner, noCache, allowPrivileged, unsigned, json, server, token, cache,
        };
        signers.AddTo(command);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            var options = new PublishOptions
            {
                Branch = parsed.GetValue(branch) ?? throw new UsageException("--branch is missing"),
                Source = parsed.GetRequiredValue(source),
                Subject = parsed.GetValue(subject) ?? "",
                Version = parsed.GetValue(version) ?? "",
                Compatible = parsed.GetValue(compatible) ?? [],
                Requires = [.. (parsed.GetValue(requires) ?? []).Select(ParseRequirement)],
                Created = parsed.GetValue(created),
                Owner = parsed.GetValue(owner),
                AllowPrivileged = parsed.GetValue(allowPrivileged),
                NoCache = parsed.GetValue(noCache),
                Signers = signers.Read(parsed),
                IsProposal = parsed.GetValue(unsigned) is not null,
            };
            if (parsed.GetValue(unsigned) is { } taken && File.Exists(taken))
                throw new UsageException($"{taken} exists: an older head must not be taken for the new one");
            using var client = CommandContext.Connect(parsed, server, token);
            var result = client is null
                ? await PublishLocallyAsync(context, parsed, options, cancellation)
                : await new RemotePublisher(client, parsed.GetValue(cache) ?? "", context.Time).PublishAsync(options, cancellation);
            if (result.Proposed is { } proposed && parsed.GetValue(unsigned) is { } file)
                StatementFile.Write(file, proposed);
            Print(context.Terminal, options, result, parsed.GetValue(unsigned));
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.published/1", ToJson(options, result));
            else
                context.Terminal.Out.WriteLine(result.Commit);
            return ExitCode.Done;
        });
    }

    private static Task<PublishResult> PublishLocallyAsync(CommandContext context, ParseResult parsed, PublishOptions options, CancellationToken cancellation) =>
        Task.Run(() =>
        {
            using var data = context.OpenData(parsed);
            return new Publisher(data, context.Time).Publish(options, cancellation);
        }, cancellation);

    private static void Print(Terminal terminal, PublishOptions options, PublishResult result, string? headFile)
    {
        terminal.Error.WriteLine($"{result.Import.FilesRead} files read, {result.Import.FilesUnchanged} unchanged by their change time");
        terminal.Error.WriteLine(result.Proposed is { } proposed
            ? $"{headFile} has the next head of {options.Branch}, signed by {proposed.Signatures.Count}; after 'ctree-server sign', 'ctree-server branch advance {options.Branch} {headFile}' moves the branch"
            : result.IsNew
            ? $"{options.Branch} is at sequence {result.Sequence}: {result.Objects} new objects, {result.Bytes} bytes at rest"
            : $"nothing new: {options.Branch} has this tree already, at sequence {result.Sequence}");
        if (!result.IsNew && (options.Version.Length > 0 || options.Subject.Length > 0))
            terminal.Error.WriteLine("no commit was made, so --version and --subject are not recorded");
        foreach (var warning in result.Warnings)
            terminal.Error.WriteLine($"warning: {warning}");
        if (result.Privileges is { Count: > 0 } privileges)
            terminal.PrintPrivileges(privileges);
    }

    private static JsonObject ToJson(PublishOptions options, PublishResult result) => new()
    {
        ["branch"] = options.Branch.ToString(),
        ["commit"] = result.Commit.ToString(),
        ["sequence"] = result.Sequence,
        ["isNew"] = result.IsNew,
        ["privileges"] = Printing.ToJson(result.Privileges?.Changes ?? []),
        ["privilegeChanges"] = result.Privileges?.Count ?? 0,
    };

    private static Requirement ParseRequirement(string text)
    {
        try
        {
            return Requirement.Parse(text);
        }
        catch (FormatException e)
        {
            throw new UsageException($"--requires: {e.Message}");
        }
    }

    private static (uint, uint)? ParseOwner(string text) =>
        text.Split(':') is [var uid, var gid] && uint.TryParse(uid, NumberStyles.None, CultureInfo.InvariantCulture, out var u) &&
        uint.TryParse(gid, NumberStyles.None, CultureInfo.InvariantCulture, out var g) && u < uint.MaxValue && g < uint.MaxValue
            ? (u, g)
            : null;
}
