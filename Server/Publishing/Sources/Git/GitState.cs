using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>What a git revision became when it was published last, kept beside the stat caches: the next one begins with it. May be removed at any time.</summary>
/// <param name="Revision">40 hex digits.</param>
/// <param name="Tree">What was made of it.</param>
/// <param name="Published">The tree that the branch then had: the same one, or one with a stamp in it.</param>
/// <param name="Listing">The repository's, when all of that was there.</param>
internal sealed record GitState(string Revision, PresentTree Tree, ObjectId Published, ObjectId Listing)
{
    private const int Version = 2;
    private const int MaxBytes = 64 * 1024;

    /// <summary>Null where there is none that can be read.</summary>
    public static GitState? TryRead(SafeFileHandle cache, string name)
    {
        try
        {
            return DurableFiles.TryRead(cache, Encoding.ASCII.GetBytes(name), MaxBytes) is { } bytes && JsonNode.Parse(bytes) is JsonObject state && (int?)state["version"] == Version &&
                (string?)state["revision"] is { Length: 40 } revision && revision.All(char.IsAsciiHexDigitLower)
                ? new GitState(revision, new PresentTree(ObjectId.Parse((string)state["tree"]!), (long)state["entries"]!, (long)state["bytes"]!, (long)state["files"]!,
                    state["machines"]!.AsObject().ToDictionary(m => ushort.Parse(m.Key, System.Globalization.CultureInfo.InvariantCulture), m => (long)m.Value!)),
                    ObjectId.Parse((string)state["published"]!), ObjectId.Parse((string)state["listing"]!))
                : null;
        }
        catch (Exception e) when (e is JsonException or FormatException or InvalidOperationException or ArgumentException or NullReferenceException or OverflowException)
        {
            // Torn by a power cut, or another version's: then everything is read.
            return null;
        }
    }

    public void Write(SafeFileHandle cache, string name)
    {
        var state = new JsonObject
        {
            ["version"] = Version,
            ["revision"] = Revision,
            ["tree"] = Tree.Tree.ToString(),
            ["entries"] = Tree.Entries,
            ["bytes"] = Tree.Bytes,
            ["files"] = Tree.Files,
            ["machines"] = new JsonObject(Tree.Machines.Select(m => KeyValuePair.Create($"{m.Key}", (JsonNode?)m.Value))),
            ["published"] = Published.ToString(),
            ["listing"] = Listing.ToString(),
        };
        DurableFiles.Replace(cache, Encoding.ASCII.GetBytes(name), Encoding.UTF8.GetBytes(state.ToJsonString()));
    }
}
