using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Compositions;
using ContentTree.Server.Publishing;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Commands;

/// <summary>What can be said about a publish, whatever its source is, and doing it: here or on a server elsewhere.</summary>
internal sealed class PublishSettings
{
    private readonly Option<BranchName?> _branch = new("--branch")
    {
        Description = "the branch to move",
        HelpName = "BRANCH",
        Required = true,
        CustomParser = result => BranchName.TryParse(result.Tokens[0].Value, out var name)
            ? name
            : CommandContext.Fail<BranchName?>(result, $"'{result.Tokens[0].Value}' is no branch name: letters, digits, '.', '_' and '-' in segments joined by '/'"),
    };

    private readonly Option<string> _subject = new("--subject") { Description = "one line that says what changed", DefaultValueFactory = _ => "" };
    private readonly Option<string> _version = new("--version") { Description = "the version people know it by", DefaultValueFactory = _ => "" };
    private readonly Option<bool> _barrier = new("--barrier") { Description = "devices do not pass over this commit on their way to a later one" };
    private readonly Option<string[]> _compatible = new("--compatible") { Description = "hardware it is for; may be given several times (default: any)", HelpName = "HW" };
    private readonly Option<string[]> _requires = new("--requires") { Description = "what it needs beside it in a composition; may be given several times", HelpName = "'BRANCH >= VERSION'" };
    private readonly Option<DateTimeOffset?> _created = CommandContext.When("--created", "when the commit says it was made (default: now); fixed, equal trees get equal commit ids");
    private readonly Option<bool> _noCache = new("--no-cache") { Description = "read every file, also those that an earlier publish read" };
    private readonly Option<bool> _allowPrivileged = new("--allow-privileged") { Description = "new setuid programs, capabilities and device nodes are meant, where server.conf refuses them" };

    private readonly Option<string?> _unsigned = new("--unsigned")
    {
        Description = "do not move the branch: write the head here, for 'sign' and then 'branch advance'",
        HelpName = "FILE",
    };

    private readonly Option<string?> _reason = CommandContext.Reason();
    private readonly Option<bool> _json = CommandContext.Json();
    private readonly SignerOptions _signers = new();
    private readonly Option<Uri?> _server = CommandContext.Server();
    private readonly Option<string?> _token = CommandContext.Token();

    private readonly Option<string> _cache = new("--cache")
    {
        Description = "with --server: where compressed objects are kept between publishes",
        HelpName = "DIR",
        DefaultValueFactory = _ => RemotePublisher.DefaultCache,
    };

    public void AddTo(Command command)
    {
        foreach (var option in new Option[] { _branch, _subject, _version, _compatible, _barrier, _requires, _created, _noCache, _allowPrivileged, _reason, _unsigned, _json, _server, _token, _cache })
            command.Add(option);
        _signers.AddTo(command);
    }

    public PublishOptions Read(ParseResult parsed, string source) => new()
    {
        Branch = parsed.GetValue(_branch) ?? throw new UsageException("--branch is missing"),
        Source = source,
        Subject = parsed.GetValue(_subject) ?? "",
        Version = parsed.GetValue(_version) ?? "",
        Compatible = parsed.GetValue(_compatible) ?? [],
        Barrier = parsed.GetValue(_barrier),
        Requires = [.. (parsed.GetValue(_requires) ?? []).Select(ParseRequirement)],
        Created = parsed.GetValue(_created),
        AllowPrivileged = parsed.GetValue(_allowPrivileged),
        NoCache = parsed.GetValue(_noCache),
        Reason = parsed.GetValue(_reason),
        Signers = _signers.Read(parsed),
        IsProposal = parsed.GetValue(_unsigned) is not null,
    };

    /// <summary>Publishes and prints what came of it; the commit id is the last line on stdout.</summary>
    public async Task PublishAsync(CommandContext context, ParseResult parsed, PublishOptions options, CancellationToken cancellation)
    {
        var headFile = parsed.GetValue(_unsigned);
        if (headFile is not null && File.Exists(headFile))
            throw new UsageException($"{headFile} exists: an older head must not be taken for the new one");
        using var client = CommandContext.Connect(parsed, _server, _token);
        var result = client is null
            ? await PublishLocallyAsync(context, parsed, options, cancellation)
            : await new RemotePublisher(client, parsed.GetValue(_cache) ?? "", context.Time).PublishAsync(options, cancellation);
        if (result.Proposed is { } proposed && headFile is not null)
            StatementFile.Write(headFile, proposed);
        Print(context.Terminal, options, result, headFile);
        if (parsed.GetValue(_json))
            context.Terminal.PrintJson("ctree-server.published/1", ToJson(options, result));
        else
            context.Terminal.Out.WriteLine(result.Commit);
    }

    private static Task<PublishResult> PublishLocallyAsync(CommandContext context, ParseResult parsed, PublishOptions options, CancellationToken cancellation) =>
        Task.Run(() =>
        {
            using var data = context.OpenData(parsed);
            return new Publisher(data, context.Time).Publish(options, cancellation);
        }, cancellation);

    private static void Print(Terminal terminal, PublishOptions options, PublishResult result, string? headFile)
    {
        terminal.Error.WriteLine($"{result.Import.FilesRead} files read, {result.Import.FilesUnchanged} unchanged since an earlier publish");
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

    /// <summary>"UID:GID", or null.</summary>
    public static (uint, uint)? ParseOwner(string text) =>
        text.Split(':') is [var uid, var gid] && uint.TryParse(uid, NumberStyles.None, CultureInfo.InvariantCulture, out var u) &&
        uint.TryParse(gid, NumberStyles.None, CultureInfo.InvariantCulture, out var g) && u < uint.MaxValue && g < uint.MaxValue
            ? (u, g)
            : null;
}
