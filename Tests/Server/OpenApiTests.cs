using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using ContentTree.Server.Endpoints;
using ContentTree.Store.Protocol;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Server;

/// <summary>The OpenAPI documents are those of the code, fit together, and say what the server really answers.</summary>
public sealed class OpenApiTests
{
    private static readonly JsonSerializerOptions Strict = new(ProtocolJson.Default.Options) { UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow };

    [Theory]
    [InlineData("device")]
    [InlineData("management")]
    public void The_document_that_is_checked_in_is_that_of_the_code(string name)
    {
        var path = Path.Combine(TestFiles.Root, "docs/openapi", name + ".json");
        var made = Document(name);
        if (Environment.GetEnvironmentVariable("CTREE_WRITE_OPENAPI") is { Length: > 0 })
            File.WriteAllText(path, made);
        File.ReadAllText(path).Should().Be(made, "routes or messages were changed: with CTREE_WRITE_OPENAPI=1 this test writes docs/openapi anew");
    }

    [Theory]
    [InlineData("device")]
    [InlineData("management")]
    public void Every_reference_leads_somewhere_and_every_operation_has_its_own_name(string name)
    {
        var document = JsonNode.Parse(Document(name))!;
        var schemas = document["components"]!["schemas"]!.AsObject();
        var references = All(document).OfType<JsonObject>().Select(o => (string?)o["$ref"]).OfType<string>().ToHashSet();
        references.Should().BeEquivalentTo(schemas.Select(s => $"#/components/schemas/{s.Key}"), "nothing is missing, and nothing is there that nobody asks for");
        var operations = document["paths"]!.AsObject().SelectMany(path => path.Value!.AsObject().Select(o => (Path: path.Key, Operation: o.Value!))).ToList();
        operations.Select(o => (string)o.Operation["operationId"]!).Should().OnlyHaveUniqueItems();
        foreach (var (path, operation) in operations)
        {
            var inPath = (operation["parameters"]?.AsArray() ?? []).Where(p => (string)p!["in"]! == "path").Select(p => $"{{{p!["name"]}}}");
            inPath.Should().BeEquivalentTo(path.Split('/').Where(s => s.StartsWith('{')));
            operation["responses"]!["default"]!["content"]![Problem.MediaType].Should().NotBeNull();
        }
    }

    [Fact]
    public void The_examples_of_the_page_have_the_fields_of_their_schemas()
    {
        var page = TestFiles.Page("protocol.md");
        var schemas = JsonNode.Parse(Document("device"))!["components"]!["schemas"]!.AsObject().Concat(JsonNode.Parse(Document("management"))!["components"]!["schemas"]!.AsObject())
            .DistinctBy(s => s.Key).Where(s => page.Contains($"\n### {s.Key}\n", StringComparison.Ordinal)).ToList();
        schemas.Should().HaveCountGreaterThan(30);
        foreach (var (name, schema) in schemas)
        {
            var example = JsonNode.Parse(TestFiles.Block(page, "### " + name, "json"))!.AsObject();
            var properties = schema!["properties"]!.AsObject();
            example.Select(f => f.Key).Except(properties.Select(p => p.Key)).Should().BeEmpty(name);
            (schema["required"]?.AsArray() ?? []).Select(r => (string)r!).Except(example.Select(f => f.Key)).Should().BeEmpty(name);
            foreach (var (field, value) in example)
                Kinds(value!).Should().Contain((string?)properties[field]!["type"] ?? "object", $"{name}.{field}");
        }
    }

    [Fact]
    public async Task What_the_server_answers_is_what_the_table_says()
    {
        await using var server = await TestServer.StartAsync();
        server.WriteSource("file", "one");
        server.Publish();
        using var device = new TestDevice(server);
        await device.EnrolAsync();
        File.WriteAllText(server["recipe"], "/ = stable\n");
        await ServerCommand.DoAsync("--data", server.DataPath, "recipe", "set", "fleet/one", server["recipe"]);
        await ServerCommand.DoAsync("--data", server.DataPath, "follow", "set", "next", "git:/none");
        await ServerCommand.DoAsync("--data", server.DataPath, "group", "set", "lab");
        server.WriteSource("file", "two");
        server.Publish();
        await ServerCommand.DoAsync("--data", server.DataPath, "rollout", "start", "--branch", "stable", "--to", "stable");
        await ServerCommand.DoAsync("--data", server.DataPath, "webhook", "add", "https://chat.invalid/", "--event", "device.damaged");
        var webhook = new ContentTree.Server.Webhooks.Outbox(server.Data.OpenDatabase(), server.Time).List()[0].Id;
        foreach (var route in RouteTable.All.Where(r => r.Method == "GET" && r.Answer is not null))
        {
            var path = route.Pattern.Replace("recipes/{**name}", "recipes/fleet/one", StringComparison.Ordinal).Replace("follows/{**name}", "follows/next", StringComparison.Ordinal).Replace(Routes.Webhooks + "/{id}", Routes.Webhook(webhook), StringComparison.Ordinal).Replace("rollouts/{id}", "rollouts/1", StringComparison.Ordinal).Replace("{name}", "lab", StringComparison.Ordinal).Replace("{id}", device.Id.ToString(), StringComparison.Ordinal).Replace("{**name}", "stable", StringComparison.Ordinal);
            using var answer = await server.SendAsync(HttpMethod.Get, path, token: server.Admin);
            if (path.Contains('{'))
                continue;
            ((int)answer.StatusCode).Should().Be(route.Status, path);
            var read = async () => JsonSerializer.Deserialize(await answer.Content.ReadAsStringAsync(), route.Answer!, Strict);
            await read.Should().NotThrowAsync(path);
        }
        foreach (var name in new[] { "device", "management" })
            (await server.Http.GetStringAsync($"/openapi/{name}.json")).Should().Be(Document(name));
    }

    private static string Document(string name) => System.Text.Encoding.UTF8.GetString(name == "device" ? OpenApiDocument.ForDevices() : OpenApiDocument.ForPeople());

    private static string[] Kinds(JsonNode value) => value.GetValueKind() switch
    {
        JsonValueKind.String => ["string"],
        JsonValueKind.Array => ["array"],
        JsonValueKind.True or JsonValueKind.False => ["boolean"],
        JsonValueKind.Number => value.ToJsonString().Contains('.') ? ["number"] : ["number", "integer"],
        _ => ["object"],
    };

    private static IEnumerable<JsonNode> All(JsonNode node) => node switch
    {
        JsonObject o => o.Select(p => p.Value).OfType<JsonNode>().SelectMany(All).Prepend(node),
        JsonArray a => a.OfType<JsonNode>().SelectMany(All),
        _ => [],
    };
}
