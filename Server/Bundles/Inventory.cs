using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Bundles;

/// <summary>
/// What devices have, from a file: "device list --json" of this program, or "status --json" of a device, or a list of such. Only commits that
/// are whole on a device count.
/// </summary>
internal static class Inventory
{
    /// <summary>For each device one of its commits, the one that it runs.</summary>
    /// <param name="branch">Only devices that follow it, where the file says; null takes all.</param>
    /// <param name="isMeant">Only devices with such an id, where the file says.</param>
    /// <returns>The commits, and how many devices have none.</returns>
    /// <exception cref="FormatException">The file is none of these.</exception>
    public static (IReadOnlyList<ObjectId> Commits, int Without) Read(string path, BranchName? branch, Predicate<string> isMeant)
    {
        var bytes = File.ReadAllBytes(path);
        try
        {
            return Read(JsonNode.Parse(bytes), path, branch, isMeant);
        }
        // What is of another kind than was expected, or stands there twice, shows only when it is read.
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new FormatException($"{path} is no JSON of devices: {e.Message}", e);
        }
    }

    private static (IReadOnlyList<ObjectId> Commits, int Without) Read(JsonNode? document, string path, BranchName? branch, Predicate<string> isMeant)
    {
        var devices = Documents(document).SelectMany(d => Devices(d, path)).Where(d => (branch is null || d.Branch is null || d.Branch == branch.ToString()) && (d.Id is null || isMeant(d.Id))).ToArray();
        return ([.. devices.Select(d => d.Running).OfType<ObjectId>().Distinct()], devices.Count(d => d.Running is null));
    }

    private static IEnumerable<JsonNode?> Documents(JsonNode? document) => document is JsonArray several ? several : [document];

    private static IEnumerable<(string? Id, string? Branch, ObjectId? Running)> Devices(JsonNode? document, string path) => (string?)document?["schema"] switch
    {
        "ctree-server.devices/1" => (document!["devices"] as JsonArray ?? []).Select(d => ((string?)d?["id"], (string?)d?["branch"], Id(d?["running"]))),
        "ctree.status/1" => [(null, null, Booted(document!))],
        var other => throw new FormatException($"{path} is neither 'ctree-server device list --json' nor 'ctree status --json' (schema {other ?? "missing"})"),
    };

    // One that has never booted a deployment has those that were made for it.
    private static ObjectId? Booted(JsonNode status)
    {
        var deployments = status["deployments"] as JsonArray ?? [];
        var name = (string?)status["booted"] ?? (string?)status["wanted"];
        return Id((deployments.FirstOrDefault(d => (string?)d?["name"] == name) ?? deployments.FirstOrDefault())?["commit"]);
    }

    private static ObjectId? Id(JsonNode? node) => node is JsonValue value && value.TryGetValue<string>(out var text) && ObjectId.TryParse(text, out var id) ? id : null;
}
