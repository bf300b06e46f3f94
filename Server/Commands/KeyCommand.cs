using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Server.Trust;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary><c>key list|new|root|install</c>: who may sign what, and how that changes.</summary>
internal static class KeyCommand
{
    private const int OwnerOnly = 0x180;

    public static Command Create(CommandContext context) => new("key", "Keys and roles: look, make keys, change the trust root.")
    {
        List(context), New(context), Root(context), Install(context),
    };

    private static Command List(CommandContext context)
    {
        var json = CommandContext.Json();
        return CommandContext.Run(new Command("list", "The roles of the newest trust root and who plays them.") { json }, (parsed, _) =>
        {
            using var data = context.OpenData(parsed);
            var root = data.Trust.Load();
            var here = data.LoadKeys().With(data.LoadOnlineKeys().Signers).Signers.Select(signer => signer.Public.Id).ToHashSet();
            var rows = root.Roles.OrderBy(r => r.Key, StringComparer.Ordinal).SelectMany(r => r.Value.KeyIds.Select(id => (Role: r.Key, r.Value.Threshold, Id: id))).ToArray();
            if (parsed.GetValue(json))
            {
                var keys = rows.Select(row => (JsonNode)new JsonObject { ["role"] = row.Role, ["threshold"] = row.Threshold, ["key"] = $"{row.Id}", ["here"] = here.Contains(row.Id) });
                context.Terminal.PrintJson("ctree-server.keys/1", new JsonObject { ["version"] = root.Version, ["expires"] = Printing.Time(root.Expires), ["keys"] = new JsonArray([.. keys]) });
                return ExitCode.Done;
            }
            context.Terminal.Out.WriteLine($"trust root {root.Version}, until {Printing.Time(root.Expires)}, fingerprint {root.Fingerprint}");
            context.Terminal.PrintTable(["ROLE", "NEEDS", "KEY", "PRIVATE PART"],
                [.. rows.Select(row => new[] { row.Role, $"{row.Threshold} of {root.Roles[row.Role].KeyIds.Count}", $"{row.Id}", here.Contains(row.Id) ? "here" : "elsewhere" })]);
            return ExitCode.Done;
        });
    }

    private static Command New(CommandContext context)
    {
        var file = new Argument<string?>("FILE") { Description = "where its private part goes, which must not exist (default: the server's keys/)", Arity = ArgumentArity.ZeroOrOne };
        var online = new Option<bool>("--online") { Description = "among the keys that 'serve' signs with by itself (online-keys/): for the role timestamp" };
        return CommandContext.Run(new Command("new", "Make a key; prints its public part.") { file, online }, (parsed, _) =>
        {
            if (parsed.GetValue(file) is not null && parsed.GetValue(online))
                throw new UsageException("name either a FILE or --online");
            var key = parsed.GetValue(file) is { } path ? Generate(path) : GenerateHere(context, parsed, parsed.GetValue(online));
            context.Terminal.Error.WriteLine($"key {key.Id}; it plays no role before a root names it: 'ctree-server key root --add ROLE=PUBLIC'");
            context.Terminal.Out.WriteLine(key.Pem);
            return ExitCode.Done;
        });
    }

    private static Command Root(CommandContext context)
    {
        var file = new Argument<string>("FILE") { Description = "where the next root is written" };
        var add = new Option<string[]>("--add") { Description = "give a key a role; its public part (PEM) is enough", HelpName = "ROLE=KEYFILE" };
        var remove = new Option<string[]>("--remove") { Description = "take a role from a key", HelpName = "ROLE=KEYID" };
        var threshold = new Option<string[]>("--threshold") { Description = "how many keys of a role sign together", HelpName = "ROLE=N" };
        var branches = new Option<string[]>("--branches") { Description = "what the composition role may move: the beginnings of branch names, for instance fleet/", HelpName = "PREFIX/" };
        var expires = CommandContext.When("--expires", $"when the root ends (default: in {TrustFiles.RootYears} years)");
        var signers = new SignerOptions();
        var command = new Command("root", "Write the next trust root, signed by the keys at hand. Nothing changes before 'key install'.") { file, add, remove, threshold, branches, expires };
        signers.AddTo(command);
        return CommandContext.Run(command, (parsed, _) =>
        {
            using var data = context.OpenData(parsed);
            var present = data.Trust.Load();
            var change = new RootChange
            {
                Add = [.. Pairs(parsed, add).Select(p => (p.Role, SignerOptions.ReadPublic(p.Value)))],
                Remove = [.. Pairs(parsed, remove).Select(p => (p.Role, KeyId.TryParse(p.Value, out var id) ? id : throw new UsageException($"'{p.Value}' is no key id: 16 hex digits")))],
                Thresholds = [.. Pairs(parsed, threshold).Select(p => (p.Role, int.TryParse(p.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0 ? n : throw new UsageException($"--threshold {p.Role} wants a number from 1")))],
                Branches = [.. (parsed.GetValue(branches) ?? []).Select(prefix => prefix is [.. var name, '/'] && BranchName.TryParse(name, out BranchName _) ? prefix : throw new UsageException($"--branches wants the beginning of branch names with '/' at its end, not '{prefix}'"))],
                Expires = parsed.GetValue(expires) ?? context.Time.GetUtcNow().AddYears(TrustFiles.RootYears),
            };
            var statement = change.After(present);
            var wanted = present.Roles[Role.Root].KeyIds.Concat(statement.Roles[Role.Root].KeyIds).ToHashSet();
            var signed = data.LoadKeys().With(signers.Read(parsed)).Sign(Envelope.Create(statement.Encode(), []), signer => wanted.Contains(signer.Public.Id));
            StatementFile.Write(parsed.GetRequiredValue(file), signed);
            Tell(context, parsed.GetRequiredValue(file), present, statement, signed);
            return ExitCode.Done;
        });
    }

    private static Command Install(CommandContext context)
    {
        var file = new Argument<string>("FILE") { Description = "the next root, signed" };
        var signers = new SignerOptions();
        var resign = new Option<bool>("--resign") { Description = "the keys of the server's keys/ sign the newest heads too where the next root asks for it; look at them first, for that vouches for what is there" };
        var command = new Command("install", "Lead devices to the next trust root.") { file, resign };
        signers.AddTo(command);
        return CommandContext.Run(command, (parsed, _) =>
        {
            using var data = context.OpenData(parsed);
            // Those that merely lie here sign nothing unasked: a thief may have moved a branch.
            var keys = (parsed.GetValue(resign) ? data.LoadKeys() : new SigningKeys([])).With(signers.Read(parsed));
            var installed = RootInstallation.Run(data, keys, StatementFile.Read(parsed.GetRequiredValue(file)), context.Time, context.Terminal.Error.WriteLine, parsed.GetValue(resign));
            context.Note(data, "key.install", $"root {installed.Version}", after: $"{installed.Fingerprint}");
            context.Terminal.Out.WriteLine($"trust root {installed.Version}: {installed.Fingerprint}");
            return ExitCode.Done;
        });
    }

    private static void Tell(CommandContext context, string path, TrustRoot present, RootStatement next, Envelope signed)
    {
        var signers = signed.Signatures.Select(s => s.KeyId).ToHashSet();
        var roles = new[] { ($"root {present.Version}", present.Roles[Role.Root]), ($"root {next.Version}", next.Roles[Role.Root]) };
        foreach (var (what, role) in roles)
            context.Terminal.Error.WriteLine($"{path}: signed by {role.KeyIds.Count(signers.Contains)} of the {role.Threshold} keys that {what} asks for");
        var isComplete = roles.All(r => r.Item2.KeyIds.Count(signers.Contains) >= r.Item2.Threshold);
        context.Terminal.Error.WriteLine(isComplete ? $"'ctree-server key install {path}' makes it the newest" : $"'ctree-server sign {path} --key KEY' adds one");
    }

    private static PublicKey GenerateHere(CommandContext context, ParseResult parsed, bool isOnline)
    {
        using var data = context.OpenData(parsed);
        var key = data.GenerateKey(isOnline);
        context.Note(data, "key.new", key.Id, after: isOnline ? "online" : null);
        return key;
    }

    private static PublicKey Generate(string path)
    {
        using var key = SigningKey.Generate();
        var full = Path.GetFullPath(path);
        using var directory = Posix.OpenDirectory(Path.GetDirectoryName(full) ?? "/");
        return DurableFiles.TryCreate(directory, System.Text.Encoding.UTF8.GetBytes(Path.GetFileName(full)), System.Text.Encoding.UTF8.GetBytes(key.ToPem()), OwnerOnly)
            ? key.Public
            : throw new UsageException($"{path} exists already");
    }

    private static IEnumerable<(string Role, string Value)> Pairs(ParseResult parsed, Option<string[]> option)
    {
        foreach (var text in parsed.GetValue(option) ?? [])
        {
            var parts = text.Split('=', 2);
            yield return parts is [{ Length: > 0 } role, { Length: > 0 } value] ? (role, value) : throw new UsageException($"{option.Name} wants {option.HelpName}, not '{text}'");
        }
    }
}
