using System.Globalization;
using System.Text.Json.Nodes;
using ContentTree.Store.Objects;

namespace ContentTree.Server.Packages;

/// <summary>A commit's packages as other programs read them. The same commit gives the same bytes: its own id and time stand in it.</summary>
internal static class BillOfMaterials
{
    public const string Spdx = "spdx";
    public const string CycloneDx = "cyclonedx";

    private const string NoAssertion = "NOASSERTION";

    /// <summary>SPDX 2.3.</summary>
    public static JsonObject ToSpdx(ObjectId id, Commit commit, IReadOnlyList<InstalledPackage> packages) => new()
    {
        ["spdxVersion"] = "SPDX-2.3",
        ["dataLicense"] = "CC0-1.0",
        ["SPDXID"] = "SPDXRef-DOCUMENT",
        ["name"] = NameOf(id, commit),
        ["documentNamespace"] = $"urn:ctree:commit:{id}",
        ["creationInfo"] = new JsonObject { ["created"] = Time(commit), ["creators"] = new JsonArray("Tool: ctree-server") },
        ["packages"] = new JsonArray([.. packages.Select((p, number) => new JsonObject
        {
            ["SPDXID"] = Reference(number),
            ["name"] = p.Name,
            ["versionInfo"] = p.Version,
            ["downloadLocation"] = NoAssertion,
            ["filesAnalyzed"] = false,
            ["externalRefs"] = new JsonArray(new JsonObject { ["referenceCategory"] = "PACKAGE-MANAGER", ["referenceType"] = "purl", ["referenceLocator"] = p.Url }),
        })]),
        ["relationships"] = new JsonArray([.. packages.Select((_, number) => new JsonObject
        {
            ["spdxElementId"] = "SPDXRef-DOCUMENT",
            ["relationshipType"] = "DESCRIBES",
            ["relatedSpdxElement"] = Reference(number),
        })]),
    };

    /// <summary>CycloneDX 1.5.</summary>
    public static JsonObject ToCycloneDx(ObjectId id, Commit commit, IReadOnlyList<InstalledPackage> packages) => new()
    {
        ["bomFormat"] = "CycloneDX",
        ["specVersion"] = "1.5",
        ["serialNumber"] = $"urn:uuid:{new Guid(Convert.FromHexString(id.ToString()[..32]))}",
        ["version"] = 1,
        ["metadata"] = new JsonObject
        {
            ["timestamp"] = Time(commit),
            ["component"] = new JsonObject { ["type"] = "operating-system", ["bom-ref"] = id.ToString(), ["name"] = NameOf(id, commit), ["version"] = commit.Version.Length > 0 ? commit.Version : id.ToString() },
        },
        ["components"] = new JsonArray([.. packages.Select(p => new JsonObject
        {
            ["type"] = "library",
            ["bom-ref"] = p.Url,
            ["name"] = p.Name,
            ["version"] = p.Version,
            ["purl"] = p.Url,
        })]),
    };

    private static string NameOf(ObjectId id, Commit commit) => commit.Subject.Length > 0 ? commit.Subject : $"commit {id}";

    private static string Reference(int number) => string.Create(CultureInfo.InvariantCulture, $"SPDXRef-Package-{number + 1}");

    private static string Time(Commit commit) => commit.Created.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
