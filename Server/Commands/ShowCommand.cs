using System.CommandLine;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Packages;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>show</c>: everything a commit says.</summary>
internal static class ShowCommand
{
    public static Command Create(CommandContext context)
    {
        var of = new Argument<string>("COMMIT") { Description = CommitReference.Help };
        var packages = new Option<bool>("--packages") { Description = "the packages that its dpkg, opkg, apk or rpm database names" };
        var sbom = new Option<string?>("--sbom") { Description = "the same as a bill of materials: spdx or cyclonedx", HelpName = "FORMAT" };
        sbom.AcceptOnlyFromAmong(BillOfMaterials.Spdx, BillOfMaterials.CycloneDx);
        var (server, token, json) = (CommandContext.Server(), CommandContext.Token(), CommandContext.Json());
        return CommandContext.Run(new Command("show", "What a commit says.") { of, packages, sbom, server, token, json }, async (parsed, cancellation) =>
        {
            using var commits = await CommitAccess.OpenAsync(context, parsed, server, token, cancellation);
            // A package database is a file or a few, in a directory or another: only with all of them is it known.
            var reach = parsed.GetValue(packages) || parsed.GetValue(sbom) is not null ? Reach.Everything : Reach.Commit;
            var id = await commits.FindAsync(parsed.GetRequiredValue(of), reach, cancellation);
            var data = commits.Data;
            var commit = data.Repository.ReadCommit(id);
            if (parsed.GetValue(sbom) is { } format)
                context.Terminal.PrintDocument(format == BillOfMaterials.Spdx
                    ? BillOfMaterials.ToSpdx(id, commit, PackageList.Of(data.Repository, commit.Tree))
                    : BillOfMaterials.ToCycloneDx(id, commit, PackageList.Of(data.Repository, commit.Tree)));
            else if (parsed.GetValue(packages))
                PrintPackages(context.Terminal, PackageList.Of(data.Repository, commit.Tree), parsed.GetValue(json));
            else if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.commit/1", new JsonObject { ["id"] = id.ToString(), ["commit"] = JsonNode.Parse(commit.Encode()) });
            else
                Print(context.Terminal.Out, id, commit);
            return ExitCode.Done;
        });
    }

    private static void Print(TextWriter output, ObjectId id, Commit commit)
    {
        output.WriteLine($"commit        {id}");
        output.WriteLine($"tree          {commit.Tree}");
        foreach (var parent in commit.Parents)
            output.WriteLine($"parent        {parent}");
        output.WriteLine($"created       {Printing.Time(commit.Created)}");
        PrintText(output, "version", commit.Version);
        PrintText(output, "subject", commit.Subject);
        PrintText(output, "source", $"{commit.Source.Kind.ToString().ToLowerInvariant()} {commit.Source.Url}".Trim());
        PrintText(output, "revision", commit.Source.Revision);
        PrintText(output, "describe", commit.Source.Describe);
        foreach (var (name, value) in commit.Annotations.OrderBy(a => a.Key, StringComparer.Ordinal))
            PrintText(output, name, value);
        PrintText(output, "architecture", commit.Architecture);
        PrintText(output, "compatible", string.Join(", ", commit.Compatible));
        PrintText(output, "barrier", commit.Barrier ? "not passed over" : "");
        output.WriteLine($"contents      {commit.Entries} entries, {commit.Bytes} bytes");
        if (commit.Body.Length > 0)
            output.WriteLine($"\n{commit.Body}");
    }

    private static void PrintPackages(Terminal terminal, IReadOnlyList<InstalledPackage> packages, bool json)
    {
        if (json)
        {
            terminal.PrintJson("ctree-server.packages/1", new JsonObject
            {
                ["packages"] = new JsonArray([.. packages.Select(p => new JsonObject { ["kind"] = p.Kind, ["name"] = p.Name, ["version"] = p.Version, ["architecture"] = p.Architecture, ["purl"] = p.Url })]),
            });
        }
        else
        {
            terminal.PrintTable(["KIND", "NAME", "VERSION", "ARCHITECTURE"], [.. packages.Select(p => new[] { p.Kind, p.Name, p.Version, p.Architecture })]);
        }
    }

    private static void PrintText(TextWriter output, string name, string text)
    {
        if (text.Length > 0)
            output.WriteLine($"{name,-13} {text}");
    }
}
