using System.CommandLine;
using System.Globalization;
using ContentTree.Server.Auditing;
using ContentTree.Server.Client;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary>What every verb needs: where to write, what time it is, and the options that several verbs share.</summary>
internal sealed class CommandContext(Terminal terminal, TimeProvider time)
{
    private const string DataVariable = "CTREE_SERVER_DATA";
    private const string TokenVariable = "CTREE_TOKEN";
    private const string AllowHttpName = "--allow-http";
    private const string AllowHttpVariable = "CTREE_ALLOW_HTTP";

    public Terminal Terminal { get; } = terminal;

    public TimeProvider Time { get; } = time;

    public Option<string> Data { get; } = new("--data")
    {
        Description = $"the server's directory (default: ${DataVariable}, else ./ctree-server-data)",
        HelpName = "DIR",
        Recursive = true,
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(DataVariable) is { Length: > 0 } set ? set : "ctree-server-data",
    };

    public Option<bool> AllowHttp { get; } = new(AllowHttpName)
    {
        Description = $"a --server on another machine may be without TLS: everybody on the way can read the token (default: ${AllowHttpVariable} is 1)",
        Recursive = true,
        DefaultValueFactory = _ => Environment.GetEnvironmentVariable(AllowHttpVariable) == "1",
    };

    public static Option<bool> Json() => new("--json") { Description = "print JSON with a named, versioned schema" };

    public static Option<Uri?> Server() => new("--server")
    {
        Description = "do it on a running server instead of on local data",
        HelpName = "URL",
        CustomParser = result => Uri.TryCreate(result.Tokens[0].Value, UriKind.Absolute, out var url) && url.Scheme is "http" or "https"
            ? url
            : Fail<Uri?>(result, "--server wants an address such as https://updates.example.org"),
    };

    public static Option<string?> Token() => new("--token")
    {
        Description = $"the token that allows it (default: ${TokenVariable}, which the process list does not show)",
        HelpName = "TOKEN",
    };

    public static Option<string?> Reason() => new("--reason") { Description = "why, one line for the branch's history", HelpName = "TEXT" };

    /// <summary>A point in time: RFC 3339, or @ and Unix seconds.</summary>
    public static Option<DateTimeOffset?> When(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "TIME",
        CustomParser = result => ParseTime(result.Tokens[0].Value) ?? Fail<DateTimeOffset?>(result, $"{name} wants a time such as 2026-11-21T03:45:00Z or @1795232700"),
    };

    public static Argument<BranchName> Branch(string name) => new(name)
    {
        Description = "a branch's name",
        CustomParser = result => BranchName.TryParse(result.Tokens[0].Value, out var branch)
            ? branch
            : Fail<BranchName>(result, $"'{result.Tokens[0].Value}' is no branch name: letters, digits, '.', '_' and '-' in segments joined by '/'"),
    };

    /// <summary>Makes the verb run; its result is the exit code.</summary>
    /// <remarks>Never on the caller's thread: a verb that waits for a lock there before its first await would not end by a signal.</remarks>
    public static Command Run(Command command, Func<ParseResult, CancellationToken, Task<ExitCode>> action)
    {
        command.SetAction(async (parsed, cancellation) => (int)await Task.Run(() => action(parsed, cancellation), CancellationToken.None));
        return command;
    }

    /// <summary>Makes the verb run on local files, which are read and written without waiting.</summary>
    public static Command Run(Command command, Func<ParseResult, CancellationToken, ExitCode> action) =>
        Run(command, (parsed, cancellation) => Task.FromResult(action(parsed, cancellation)));

    public DataDirectory OpenData(ParseResult parsed) => DataDirectory.Open(DataPath(parsed));

    /// <summary>Writes down a change that this person made on local data.</summary>
    public void Note(DataDirectory data, string verb, object subject, string? before = null, string? after = null, string? reason = null) =>
        new Audit(data, Time).Note(Actor.Here, verb, subject, before, after, reason);

    public string DataPath(ParseResult parsed) => parsed.GetValue(Data) ?? "";

    /// <summary>The server to talk to, or null for local data.</summary>
    /// <exception cref="UsageException">No token, or everybody on the way could read it.</exception>
    public static ServerClient? Connect(ParseResult parsed, Option<Uri?> server, Option<string?> token)
    {
        if (parsed.GetValue(server) is not { } url)
            return null;
        if (url.Scheme == Uri.UriSchemeHttp && !url.IsLoopback && !parsed.GetValue<bool>(AllowHttpName))
            throw new UsageException($"{url.GetLeftPart(UriPartial.Authority)}: everybody on the way could read the token; use https://, or pass {AllowHttpName} where that does not matter");
        var secret = parsed.GetValue(token) ?? Environment.GetEnvironmentVariable(TokenVariable);
        return string.IsNullOrEmpty(secret)
            ? throw new UsageException($"--server needs --token, or the token in ${TokenVariable}")
            : new ServerClient(url, secret);
    }

    public static T Fail<T>(System.CommandLine.Parsing.ArgumentResult result, string message)
    {
        result.AddError(message);
        return default!;
    }

    private static DateTimeOffset? ParseTime(string text)
    {
        if (text.StartsWith('@'))
            return long.TryParse(text[1..], NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= DateTimeOffset.MaxValue.ToUnixTimeSeconds()
                ? DateTimeOffset.FromUnixTimeSeconds(seconds)
                : null;
        string[] formats = ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd"];
        return DateTimeOffset.TryParseExact(text, formats, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : null;
    }
}
