using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Follows;
using ContentTree.Server.Publishing.Sources;
using ContentTree.Server.Publishing.Sources.Git;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary><c>follow set|now|list|show|remove</c>: branches that a running server keeps where branches of git repositories are.</summary>
internal static class FollowCommand
{
    private static readonly TimeSpan AskAgain = TimeSpan.FromMilliseconds(300);

    public static Command Create(CommandContext context) => new("follow", "Have branches follow branches of git repositories and publish what changes.")
    {
        Set(context), Now(context), List(context), Show(context), Remove(context),
    };

    private static Command Set(CommandContext context)
    {
        var (branch, source, about) = (CommandContext.Branch("BRANCH"), new Argument<string>("SOURCE") { Description = "git:REPOSITORY#REF, a branch or a tag; without REF what the repository checks out" }, new SourceSettings());
        var every = new Option<TimeSpan?>("--every")
        {
            Description = "between looks (default: 60s)",
            HelpName = "TIME",
            CustomParser = result => ParseSpan(result.Tokens[0].Value) ?? CommandContext.Fail<TimeSpan?>(result, "--every wants a time such as 60s, 5m or 1h"),
        };
        var version = new Option<string?>("--version") { Description = "the version of every commit, for instance dev", HelpName = "VERSION" };
        var compatible = new Option<string[]>("--compatible") { Description = "hardware it is for; may be given several times (default: any)", HelpName = "HW" };
        var requires = new Option<string[]>("--requires") { Description = "what it needs beside it in a composition; may be given several times", HelpName = "'BRANCH >= VERSION'" };
        var hook = new Option<bool>("--hook") { Description = "let the git server ask for a look: prints a new secret, once" };
        var noHook = new Option<bool>("--no-hook") { Description = "take that back (default: as it is)" };
        var command = new Command("set", "Have a branch follow a git repository; said again, the new settings count.") { branch, source, every, version, compatible, requires, hook, noHook };
        about.AddTo(command);
        return OnFollows(context, command, async (data, client, parsed, cancellation) =>
        {
            if (parsed.GetValue(hook) && parsed.GetValue(noHook))
                throw new UsageException("--hook and --no-hook exclude each other");
            var request = new FollowRequest(parsed.GetRequiredValue(branch), Absolute(parsed.GetRequiredValue(source), isHere: client is null))
            {
                Every = (long?)parsed.GetValue(every)?.TotalSeconds,
                Subdir = parsed.GetValue(about.Subdirectory)?.ToString(),
                Owner = parsed.GetValue(about.Owner) is var (uid, gid) ? string.Create(CultureInfo.InvariantCulture, $"{uid}:{gid}") : null,
                Stamp = parsed.GetValue(about.Stamp)?.ToString(),
                Build = parsed.GetValue(about.Build) ? new FollowBuild(parsed.GetValue(about.Minutes), parsed.GetValue(about.Memory)) : null,
                Version = parsed.GetValue(version),
                Describe = parsed.GetValue(about.Describe) ? true : null,
                Compatible = parsed.GetValue(compatible) is { Length: > 0 } hardware ? hardware : null,
                Requires = parsed.GetValue(requires) is { Length: > 0 } needs ? needs : null,
                Hook = parsed.GetValue(hook) ? true : parsed.GetValue(noHook) ? false : null,
            };
            var set = client is null
                ? new FollowRegister(data!, context.Time).Set(request, Environment.UserName)
                : await client.PutAsync(Routes.Follows, request, ProtocolJson.Default.FollowRequest, ProtocolJson.Default.FollowInfo, cancellation);
            if (data is not null)
                context.Note(data, "follow.set", set.Settings.Branch, after: set.Settings.Source);
            context.Terminal.Error.WriteLine($"{set.Settings.Branch} follows {set.Settings.Source}; a running 'ctree-server serve' looks every {set.Settings.Every} seconds, 'follow now' at once");
            if (data is not null && ServerSettings.Load(data.Path).KeepsReleaseKeysElsewhere)
                context.Terminal.Error.WriteLine($"warning: {new KeysElsewhereException(set.Settings.Branch).Message}");
            if (set.Secret is { } secret)
            {
                context.Terminal.Error.WriteLine($"the hook is POST {Routes.Hook(set.Settings.Branch)}; its secret, shown this once:");
                context.Terminal.Out.WriteLine(secret);
            }
            return ExitCode.Done;
        });
    }

    private static Command Now(CommandContext context)
    {
        var (branch, signers) = (CommandContext.Branch("BRANCH"), new SignerOptions());
        var command = new Command("now", "Look now, publish what is new, and say how that went.") { branch };
        signers.AddTo(command);
        return OnFollows(context, command, async (data, client, parsed, cancellation) =>
        {
            var name = parsed.GetRequiredValue(branch);
            if (client is not null && signers.Read(parsed).Count > 0)
                throw new UsageException("--key and --signer work on the server's data, not with --server");
            var followed = client is null ? Look(data!, context, name, signers.Read(parsed), cancellation) : await LookThereAsync(client, name, cancellation);
            if (followed.State.Error is { } error)
                context.Terminal.Error.WriteLine($"ctree-server: {name} stays where it is: {error}");
            else
                context.Terminal.Out.WriteLine(followed.State.Commit);
            return (ExitCode)(followed.State.Code ?? 0);
        });
    }

    private static FollowInfo Look(DataDirectory data, CommandContext context, BranchName branch, IReadOnlyList<Trust.ISigner> signers, CancellationToken cancellation)
    {
        var register = new FollowRegister(data, context.Time);
        register.Ask(branch, isAgain: true);
        new Follower(data, context.Time) { Signers = signers }.Run(branch, wait: true, cancellation);
        return register.Find(branch);
    }

    private static async Task<FollowInfo> LookThereAsync(ServerClient client, BranchName branch, CancellationToken cancellation)
    {
        var asked = await client.PostAsync(Routes.Follow(branch), ProtocolJson.Default.FollowInfo, cancellation);
        for (var seen = asked; ; seen = Pick(await ListAsync(null, client, null, cancellation), branch))
        {
            if (seen.State.Answered >= asked.State.Asked)
                return seen;
            await Task.Delay(AskAgain, cancellation);
        }
    }

    private static Command List(CommandContext context)
    {
        var json = CommandContext.Json();
        return OnFollows(context, new Command("list", "What follows what, and how that goes.") { json }, async (data, client, parsed, cancellation) =>
        {
            var follows = await ListAsync(data, client, context, cancellation);
            if (parsed.GetValue(json))
            {
                context.Terminal.PrintJson("ctree-server.follows/1", JsonSerializer.SerializeToNode(new FollowList(follows), ProtocolJson.Default.FollowList) as JsonObject ?? []);
            }
            else
            {
                context.Terminal.PrintTable(["BRANCH", "FOLLOWS", "SEEN", "PUBLISHED", "SEQUENCE", "LOOKED", "NEXT", "STATE"],
                    [.. follows.Select(f => new[]
                    {
                        $"{f.Settings.Branch}", f.Settings.Source, Short(f.State.Seen), Short(f.State.Published), $"{f.State.Sequence}", Printing.Time(f.State.Looked), Printing.Time(f.State.Next),
                        f.State.Error is not null ? "failed" : f.State.Looked is null ? "new" : "follows",
                    })]);
            }
            return ExitCode.Done;
        });
    }

    private static Command Show(CommandContext context)
    {
        var (branch, json) = (CommandContext.Branch("BRANCH"), CommandContext.Json());
        return OnFollows(context, new Command("show", "Everything about one of them.") { branch, json }, async (data, client, parsed, cancellation) =>
        {
            var follow = Pick(await ListAsync(data, client, context, cancellation), parsed.GetRequiredValue(branch));
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.follow/1", JsonSerializer.SerializeToNode(follow, ProtocolJson.Default.FollowInfo) as JsonObject ?? []);
            else
                Print(context.Terminal.Out, follow);
            return ExitCode.Done;
        });
    }

    private static Command Remove(CommandContext context)
    {
        var branch = CommandContext.Branch("BRANCH");
        return OnFollows(context, new Command("remove", "End it; the branch stays where it is.") { branch }, async (data, client, parsed, cancellation) =>
        {
            var name = parsed.GetRequiredValue(branch);
            if (client is null)
            {
                new FollowRegister(data!, context.Time).Remove(name);
                context.Note(data!, "follow.remove", name);
            }
            else
            {
                await client.DeleteAsync(Routes.Follow(name), cancellation);
            }
            return ExitCode.Done;
        });
    }

    private static void Print(TextWriter to, FollowInfo follow)
    {
        var (settings, state) = (follow.Settings, follow.State);
        var options = new (string Name, string? Value)[]
        {
            ("branch", $"{settings.Branch}"), ("follows", settings.Source), ("every", $"{settings.Every} s"), ("subdir", settings.Subdir), ("owner", settings.Owner), ("stamp", settings.Stamp),
            ("build", settings.Build is { } build ? $"at most {build.Minutes} minutes, {build.Memory} bytes" : null), ("version", settings.Describe == true ? "git describe" : settings.Version),
            ("compatible", settings.Compatible is { } hardware ? string.Join(", ", hardware) : null), ("requires", settings.Requires is { } needs ? string.Join(", ", needs) : null),
            ("hook", settings.Hook == true ? Routes.Hook(settings.Branch) : null), ("seen", state.Seen), ("published", state.Published), ("commit", $"{state.Commit}"), ("sequence", $"{state.Sequence}"),
            ("looked", Printing.Time(state.Looked)), ("next look", Printing.Time(state.Next)), ("not reached", state.Failures is { } times ? $"{times} times in a row" : null), ("error", state.Error),
        };
        foreach (var (name, value) in options.Where(option => !string.IsNullOrEmpty(option.Value)))
            to.WriteLine($"{name,-12} {value}");
    }

    private static async Task<IReadOnlyList<FollowInfo>> ListAsync(DataDirectory? data, ServerClient? client, CommandContext? context, CancellationToken cancellation) => client is null
        ? new FollowRegister(data!, context!.Time).List()
        : (await client.GetAsync(Routes.Follows, ProtocolJson.Default.FollowList, cancellation)).Follows;

    private static FollowInfo Pick(IReadOnlyList<FollowInfo> follows, BranchName branch) =>
        follows.FirstOrDefault(f => f.Settings.Branch == branch) ?? throw new NotFoundException($"branch {branch} follows no git repository; 'follow list' shows those that do");

    // A path of this machine, as a shell has it.
    private static string Absolute(string source, bool isHere)
    {
        if (!isHere || !source.StartsWith(SourceOpening.GitPrefix, StringComparison.Ordinal))
            return source;
        var address = GitAddress.Parse(source[SourceOpening.GitPrefix.Length..]);
        return SourceOpening.GitPrefix + address.Url + (address.Revision is { } revision ? $"#{revision}" : "");
    }

    private static string Short(string? revision) => revision is { Length: > Printing.ShortId } ? revision[..Printing.ShortId] : revision ?? "-";

    private static TimeSpan? ParseSpan(string text)
    {
        var unit = text.Length > 0 && char.IsAsciiLetter(text[^1]) ? text[^1] : 's';
        if (!int.TryParse(text.TrimEnd(unit), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return null;
        return unit switch
        {
            's' => TimeSpan.FromSeconds(number),
            'm' => TimeSpan.FromMinutes(number),
            'h' => TimeSpan.FromHours(number),
            'd' => TimeSpan.FromDays(number),
            _ => null,
        };
    }

    private static Command OnFollows(CommandContext context, Command command, Func<DataDirectory?, ServerClient?, ParseResult, CancellationToken, Task<ExitCode>> run)
    {
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        command.Add(server);
        command.Add(token);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            using var data = client is null ? context.OpenData(parsed) : null;
            return await run(data, client, parsed, cancellation);
        });
    }
}
