using System.Text;
using ContentTree.Server.Publishing.Sources.Tar;
using ContentTree.Server.Storage;
using ContentTree.Store;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Bundles;

/// <summary>
/// A bundle (docs/format/bundle.md) that another server made: the tree of its commit, exactly. The signatures in it are for devices of that
/// server; here the tree is looked at and published anew, as that of every other source is.
/// </summary>
internal sealed class BundleSource(PublishOptions options) : ISource
{
    // A device takes no more of them (Deploy/Transfer/BundleFile.cs).
    private const int MaxObjects = 200_000;

    private static readonly string[] Proofs = ["trust", "heads", "history"];

    public string Key => ObjectId.Of(Encoding.UTF8.GetBytes(Path.GetFullPath(options.Source))).ToString()[..32];

    /// <summary>Whether a file begins as bundles do: with the trust root of the server that made it.</summary>
    public static bool IsOne(string path)
    {
        try
        {
            using var file = new PackedFile(path);
            using var archive = new TarArchive(file.Content);
            if (archive.Next() is not { Kind: TarMemberKind.File, Size: <= Envelope.MaxBytes } first || !IsRoot(first))
                return false;
            var bytes = new byte[first.Size];
            archive.Content.ReadExactly(bytes);
            TrustRoot.Load(bytes);
            return true;
        }
        catch (Exception e) when (e is FormatException or VerificationException or EndOfStreamException)
        {
            return false;
        }
    }

    public (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        if (options.Owner is not null && !options.IsToBuildFrom)
            throw new UnsupportedSourceException(options.Source, "has the owners of its files; --owner is for sources that do not know them");
        var names = TakeObjects(writer, cancellation);
        writer.Complete();
        var repository = writer.Repository;
        if (names.Where(name => name.Kind == ObjectKind.Commit).ToArray() is not [var only])
            throw new UnsupportedSourceException(options.Source, "holds more commits than one, or none; what is composed is published where its parts are");
        var commit = repository.ReadCommit(only.Id);
        if (!new WholeTrees(writer).Contains(commit.Tree))
            throw new UnsupportedSourceException(options.Source, "does not hold all of its tree; make one without --from");
        var (entries, bytes, _) = new TreeTotals(repository.ReadTree).Of(commit.Tree);
        return (new ImportResult(commit.Tree, entries, bytes, commit.Architecture, names.Count(name => name.Kind == ObjectKind.File), 0),
            new Provenance(commit.Source) { Subject = commit.Subject, Body = commit.Body, Version = commit.Version });
    }

    private HashSet<ObjectName> TakeObjects(ObjectWriter writer, CancellationToken cancellation)
    {
        var names = new HashSet<ObjectName>();
        using var check = new FrameCheck();
        using var file = new PackedFile(options.Source);
        using var archive = new TarArchive(file.Content);
        try
        {
            while (archive.Next() is { } member)
            {
                cancellation.ThrowIfCancellationRequested();
                if (NameOf(member) is not { } name)
                    continue;
                if (!names.Add(name) || names.Count > MaxObjects)
                    throw new FormatException(names.Count > MaxObjects ? $"holds more than {MaxObjects} objects" : $"holds {name} twice");
                writer.Write(name, target => check.Read(name, archive.Content, piece => Posix.Write(target, piece, member.Name)));
            }
            file.RequireEnd();
        }
        catch (FormatException e)
        {
            throw new UnsupportedSourceException(options.Source, file.Complaint() ?? e.Message);
        }
        catch (CorruptObjectException e)
        {
            throw new DamagedSourceException(options.Source, e.Message);
        }
        return names;
    }

    // Null for what only devices of its server look at.
    private static ObjectName? NameOf(TarMember member)
    {
        var path = EntryPath.Parse(member.Path);
        if (member.Kind != TarMemberKind.File || path.Names.Count < 2)
            throw new FormatException($"is no bundle: {member.Name}");
        var folder = path.Names[0].ToString();
        if (folder == "deltas")
            throw new FormatException("holds deltas and not the whole tree; make one without --from");
        if (Proofs.Contains(folder))
            return null;
        return folder == "objects" && path.Names.Count == 3 && ObjectName.TryParse($"{path.Names[1]}{path.Names[2]}", out var name)
            ? name
            : throw new FormatException($"is no bundle: {member.Name}");
    }

    private static bool IsRoot(TarMember member) =>
        Encoding.ASCII.GetString(member.Path) is var name && name.StartsWith("trust/", StringComparison.Ordinal) && name.EndsWith("root.json", StringComparison.Ordinal);
}
