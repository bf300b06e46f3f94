using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>The interface as an OpenAPI 3.1 document, made of the route table and the messages themselves.</summary>
internal static partial class OpenApiDocument
{
    private const string Json = "application/json";
    private const string Token = "token";
    private const string Device = "device";
    private const string Hook = "hook";

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What devices use.</summary>
    public static byte[] ForDevices() => Write("ContentTree: devices and the repository", RouteTable.ForDevices);

    /// <summary>What people, pipelines and monitoring use.</summary>
    public static byte[] ForPeople() => Write("ContentTree: management", RouteTable.ForPeople);

    private static byte[] Write(string title, IReadOnlyList<ApiRoute> routes)
    {
        var schemas = new MessageSchemas();
        var paths = new JsonObject();
        foreach (var path in routes.GroupBy(route => PathOf(route.Pattern)))
            paths[path.Key] = new JsonObject([.. path.Select(route => KeyValuePair.Create(route.Method.ToLowerInvariant(), (JsonNode?)Operation(route, schemas)))]);
        var document = new JsonObject
        {
            ["openapi"] = "3.1.0",
            ["info"] = new JsonObject
            {
                ["title"] = title,
                ["version"] = "1",
                ["description"] = "Version 1 only grows: receivers ignore fields that they do not know. What it all means is in docs/protocol.md.",
            },
            ["paths"] = paths,
            ["components"] = new JsonObject { ["schemas"] = schemas.Take(), ["securitySchemes"] = Schemes(routes) },
        };
        return Encoding.UTF8.GetBytes(document.ToJsonString(Indented) + "\n");
    }

    private static JsonObject Operation(ApiRoute route, MessageSchemas schemas)
    {
        var operation = new JsonObject
        {
            ["operationId"] = NameOf(route),
            ["summary"] = route.Summary,
            ["description"] = $"For: {route.Access.Word}.",
        };
        if (Parameters(route) is { Count: > 0 } parameters)
            operation["parameters"] = parameters;
        if ((route.Request is { } request ? Content(Json, schemas.Of(request)) : route.RequestMedia is { } media ? Content(media, null) : null) is { } body)
            operation["requestBody"] = new JsonObject { ["required"] = true, ["content"] = body };
        operation["responses"] = Responses(route, schemas);
        operation["security"] = route.Access switch
        {
            Access.Roles => new JsonArray(Requirement(Token)),
            Access.Device => new JsonArray(Requirement(Device)),
            Access.Hook => new JsonArray(Requirement(Hook)),
            // With one of these also what only a private branch reaches.
            _ => new JsonArray(new JsonObject(), Requirement(Token), Requirement(Device)),
        };
        return operation;
    }

    private static JsonObject Responses(ApiRoute route, MessageSchemas schemas)
    {
        var content = route.Answer is { } answer ? Content(Json, schemas.Of(answer)) : route.AnswerMedia is { } media ? Content(media, null) : null;
        var good = new JsonObject { ["description"] = content is null ? "Done." : "What was asked for." };
        if (content is not null)
            good["content"] = content;
        var responses = new JsonObject { [Digits(route.Status)] = good };
        if (route.OtherStatus is { } other)
            responses[Digits(other)] = new JsonObject { ["description"] = other == StatusCodes.Status202Accepted ? "It is being made: ask again after Retry-After." : "It was new." };
        responses["default"] = new JsonObject { ["description"] = "Refused; `code` is stable.", ["content"] = Content(Problem.MediaType, schemas.Of(typeof(Problem))) };
        return responses;
    }

    private static JsonArray Parameters(ApiRoute route) =>
    [
        .. Names().Matches(route.Pattern).Select(match => (JsonNode)new JsonObject
        {
            ["name"] = match.Groups["name"].Value,
            ["in"] = "path",
            ["required"] = true,
            ["description"] = match.Groups["all"].Success ? "May contain '/', which is not escaped." : "One segment.",
            ["schema"] = new JsonObject { ["type"] = "string" },
        }),
        .. route.Headers.Select(name => (JsonNode)new JsonObject { ["name"] = name, ["in"] = "header", ["schema"] = new JsonObject { ["type"] = "string" } }),
        .. route.Query.Select(name => (JsonNode)new JsonObject
        {
            ["name"] = name,
            ["in"] = "query",
            ["schema"] = name is "limit" or "since" ? new JsonObject { ["type"] = "integer" } : new JsonObject { ["type"] = "string" },
        }),
    ];

    private static JsonObject Schemes(IReadOnlyList<ApiRoute> routes)
    {
        var schemes = new JsonObject
        {
            [Token] = new JsonObject { ["type"] = "http", ["scheme"] = "bearer", ["description"] = "A token of 'ctree-server token create'." },
            [Device] = new JsonObject { ["type"] = "apiKey", ["in"] = "header", ["name"] = "Authorization", ["description"] = "CTree device=…, time=…, nonce=…, sig=…: each request is signed (docs/protocol.md, \"Signed requests\")." },
        };
        if (routes.Any(route => route.Access is Access.Hook))
            schemes[Hook] = new JsonObject { ["type"] = "apiKey", ["in"] = "header", ["name"] = "X-Hub-Signature-256", ["description"] = "HMAC of the body, or the secret in X-Gitlab-Token (docs/protocol.md, \"Hooks\")." };
        return schemes;
    }

    private static JsonObject Requirement(string scheme) => new() { [scheme] = new JsonArray() };

    private static JsonObject Content(string media, JsonNode? schema) => new() { [media] = schema is null ? new JsonObject() : new JsonObject { ["schema"] = schema } };

    private static string PathOf(string pattern) => pattern.Replace("{**", "{", StringComparison.Ordinal);

    // "GET /api/v1/devices/{id}/accept" is getDevicesIdAccept.
    private static string NameOf(ApiRoute route) => route.Method.ToLowerInvariant() +
        string.Concat(Words().Matches(route.Pattern.Replace("/api/v1/", "/", StringComparison.Ordinal)).Select(word => char.ToUpperInvariant(word.Value[0]) + word.Value[1..]));

    private static string Digits(int status) => status.ToString(CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\{(?<all>\*\*)?(?<name>[a-z]+)\}")]
    private static partial Regex Names();

    [GeneratedRegex("[a-z]+")]
    private static partial Regex Words();
}
