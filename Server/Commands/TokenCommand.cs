using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>token create|list|revoke</c>.</summary>
internal static class TokenCommand
{
    public static Command Create(CommandContext context) => new("token", "Make, list and revoke tokens.")
    {
        Make(context), List(context), Revoke(context),
    };

    private static Command Make(CommandContext context)
    {
        var role = new Option<string?>("--role") { Description = "what its bearer may do: admin, approver, operator, publisher or viewer", HelpName = "ROLE" };
        role.AcceptOnlyFromAmong(TokenRole.Admin, TokenRole.Approver, TokenRole.Operator, TokenRole.Publisher, TokenRole.Viewer);
        var enrol = new Option<bool>("--enrol") { Description = "devices that enrol with it are accepted at once" };
        var uses = new Option<long?>("--uses") { Description = "with --enrol: devices it accepts (default: any number)", HelpName = "N" };
        var expires = CommandContext.When("--expires", "when it ends (default: never)");
        var groups = new Option<string[]>("--group") { Description = "its bearer sees and steers only devices of this group; may be given several times", HelpName = "GROUP" };
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("create", "Make a token; it is shown this once.") { role, enrol, uses, expires, groups, server, token, json }, async (parsed, cancellation) =>
        {
            if (parsed.GetValue(enrol) == parsed.GetValue(role) is not null)
                throw new UsageException("token create wants either --role ROLE or --enrol");
            if (parsed.GetValue(uses) is not null && !parsed.GetValue(enrol))
                throw new UsageException("--uses is for --enrol: other tokens work until they end or are revoked");
            var request = new TokenRequest(parsed.GetValue(role) ?? TokenRole.Enrol, parsed.GetValue(uses), parsed.GetValue(expires), parsed.GetValue(groups) is { Length: > 0 } only ? only : null);
            using var client = CommandContext.Connect(parsed, server, token);
            var made = client is null
                ? OnData(context, parsed, (data, tokens) => Noted(context, data, tokens.Create(request)))
                : await client.PostAsync(Routes.Tokens, request, ProtocolJson.Default.TokenRequest, ProtocolJson.Default.TokenAnswer, cancellation);
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.token/1", new JsonObject { ["id"] = made.Id, ["role"] = made.Role, ["token"] = made.Token });
            else
                context.Terminal.Out.WriteLine(made.Token);
            return ExitCode.Done;
        });
    }

    private static Command List(CommandContext context)
    {
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("list", "All tokens, without their secrets.") { server, token, json }, async (parsed, cancellation) =>
        {
            var now = context.Time.GetUtcNow();
            using var client = CommandContext.Connect(parsed, server, token);
            var tokens = client is null ? OnData(context, parsed, (_, t) => t.List()) : (await client.GetAsync(Routes.Tokens, ProtocolJson.Default.TokenList, cancellation)).Tokens;
            if (parsed.GetValue(json))
            {
                context.Terminal.PrintJson("ctree-server.tokens/1", new JsonObject { ["tokens"] = new JsonArray([.. tokens.Select(t => ToJson(t, now))]) });
            }
            else
            {
                context.Terminal.PrintTable(["TOKEN", "ROLE", "STATE", "USES LEFT", "CREATED", "EXPIRES", "GROUPS"],
                    [.. tokens.Select(t => new[] { t.Id, t.Role, State(t, now), $"{t.Uses?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "any"}", Printing.Time(t.Created), Printing.Time(t.Expires), t.Groups is null ? "" : string.Join(',', t.Groups) })]);
            }
            return ExitCode.Done;
        });
    }

    private static Command Revoke(CommandContext context)
    {
        var id = new Argument<string>("TOKEN") { Description = "a token's id, as 'token list' shows it" };
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        return CommandContext.Run(new Command("revoke", "End a token now.") { id, server, token }, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            if (client is not null)
            {
                await client.DeleteAsync(Routes.Token(parsed.GetRequiredValue(id)), cancellation);
                return ExitCode.Done;
            }
            OnData(context, parsed, (data, tokens) =>
            {
                tokens.Revoke(parsed.GetRequiredValue(id));
                context.Note(data, "token.revoke", parsed.GetRequiredValue(id));
                return 0;
            });
            return ExitCode.Done;
        });
    }

    private static TokenAnswer Noted(CommandContext context, DataDirectory data, TokenAnswer made)
    {
        context.Note(data, "token.create", made.Id, after: made.Role);
        return made;
    }

    private static T OnData<T>(CommandContext context, ParseResult parsed, Func<DataDirectory, Tokens, T> action)
    {
        using var data = context.OpenData(parsed);
        return action(data, new Tokens(data.OpenDatabase(), context.Time));
    }

    private static string State(TokenInfo token, DateTimeOffset now) =>
        token.Revoked ? "revoked" : token.Expires <= now ? "ended" : token.Uses == 0 ? "used up" : "valid";

    private static JsonNode ToJson(TokenInfo token, DateTimeOffset now) => new JsonObject
    {
        ["id"] = token.Id,
        ["role"] = token.Role,
        ["state"] = State(token, now),
        ["uses"] = token.Uses,
        ["created"] = Printing.Time(token.Created),
        ["expires"] = token.Expires is null ? null : Printing.Time(token.Expires),
        ["groups"] = token.Groups is null ? null : new JsonArray([.. token.Groups.Select(g => JsonValue.Create(g))]),
    };
}
