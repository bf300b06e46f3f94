using System.Formats.Tar;
using System.Text;
using System.Text.Json;
using ContentTree.Server.Deltas;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Deltas;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Bundles;

/// <summary>
/// Writes a bundle: those files of the repository that a device needs to go to one commit, in a tar archive (docs/format/bundle.md). Its
/// bytes follow from what is in it.
/// </summary>
internal sealed class BundleWriter(DataDirectory data, TimeProvider time)
{
    // What a device takes (Deploy/Transfer/BundleFile.cs).
    private const int MaxFiles = 200_000;

    // A ustar header has room for so many bytes of a name.
    private const int ShortName = 100;

    /// <summary>Writes to a new file, which has its name only when it is whole.</summary>
    /// <param name="branches">Whose heads go with it, where they have been at the commit. Whoever gets a bundle may put it on any web server.</param>
    /// <param name="deltas">Deltas to the commit; without any the bundle has all its objects.</param>
    /// <exception cref="NotFoundException">No head names the commit.</exception>
    public long Write(string path, ObjectId commit, IReadOnlyList<BranchName> branches, IReadOnlyList<DeltaOffer> deltas, CancellationToken cancellation)
    {
        var heads = HeadsOf(commit, branches);
        var temporary = $"{path}.new";
        // Nothing that the bundle names is removed meanwhile.
        using var guard = data.Repository.HoldGarbage();
        try
        {
            WriteTo(temporary, commit, heads, deltas, cancellation);
            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }
        return new FileInfo(path).Length;
    }

    private void WriteTo(string path, ObjectId commit, List<(string Name, byte[] Bytes)> heads, IReadOnlyList<DeltaOffer> deltas, CancellationToken cancellation)
    {
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        using (var tar = new TarWriter(file, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (name, bytes) in Roots().Concat(heads).Concat(PartHeads(commit)))
                Add(tar, name, new MemoryStream(bytes));
            AddDeltas(tar, commit, deltas);
            AddObjects(tar, commit, isWhole: deltas.Count == 0, cancellation);
        }
        file.Flush(flushToDisk: true);
    }

    private IEnumerable<(string Name, byte[] Bytes)> Roots() => Directory.EnumerateFiles(Path.Combine(data.Repository.Path, "trust"), "*root.json")
        .Order(StringComparer.Ordinal).Select(file => ($"trust/{Path.GetFileName(file)}", File.ReadAllBytes(file)));

    // The newest head that names it: a device takes none that is older than what it has seen.
    private List<(string Name, byte[] Bytes)> HeadsOf(ObjectId commit, IReadOnlyList<BranchName> named)
    {
        var branches = new Branches(data, time);
        var heads = named.Select(b => (Branch: b, Bytes: HeadOf(branches, b, commit)))
            .Where(h => h.Bytes is not null).Select(h => ($"heads/{h.Branch}.json", h.Bytes!)).ToList();
        return heads.Count > 0 ? heads : throw new NotFoundException($"commit {commit} was never published on {(named is [var only] ? $"branch {only}" : "any branch")}; a device takes only what a head names");
    }

    private byte[]? HeadOf(Branches branches, BranchName branch, ObjectId commit)
    {
        if (branches.Read(branch) is { Head: { } head, Bytes: { } newest } && head.Commit == commit)
            return newest;
        return data.Repository.Heads.ArchivedSequences(branch).Reverse()
            .Where(sequence => branches.ReadArchived(branch, sequence)?.Commit == commit)
            .Select(sequence => data.Repository.Heads.ReadArchived(branch, sequence)).FirstOrDefault();
    }

    // By them a device sees that the parts of a composed commit were released.
    private IEnumerable<(string Name, byte[] Bytes)> PartHeads(ObjectId commit) =>
        (Composition.Of(data.Repository.ReadCommit(commit))?.Inputs ?? []).Select(i => (i.Branch, i.Sequence)).Distinct()
            .OrderBy(p => p.Branch.ToString(), StringComparer.Ordinal).ThenBy(p => p.Sequence)
            .Select(p => ($"history/{p.Branch}/{p.Sequence}.json", data.Repository.Heads.ReadArchived(p.Branch, p.Sequence)
                ?? throw new NotFoundException($"head {p.Sequence} of {p.Branch} is not in the archive, and without it no device takes a commit that it is a part of")));

    private void AddDeltas(TarWriter tar, ObjectId commit, IReadOnlyList<DeltaOffer> deltas)
    {
        if (deltas.Count == 0)
            return;
        var list = JsonSerializer.SerializeToUtf8Bytes(new DeltaList(deltas), ProtocolJson.Default.DeltaList);
        Add(tar, $"deltas/{commit}.json", new MemoryStream(list));
        foreach (var delta in deltas)
        {
            using var content = File.OpenRead(Path.Combine(data.Repository.Path, "deltas", delta.Name));
            Add(tar, $"deltas/{delta.Name}", content);
        }
    }

    private void AddObjects(TarWriter tar, ObjectId commit, bool isWhole, CancellationToken cancellation)
    {
        var closure = new RepositoryClosure(data.Repository);
        if (isWhole)
            closure.AddCommit(commit, missing => throw new ObjectNotFoundException(missing));
        else
            closure.AddProof(commit, missing => throw new ObjectNotFoundException(missing));
        var objects = closure.Reached;
        if (objects.Count > MaxFiles)
            throw new UnsupportedSourceException(commit.ToString(), $"has {objects.Count} objects, and a device takes a bundle of {MaxFiles}; make one with --from");
        foreach (var name in objects.OrderBy(o => o.ToString(), StringComparer.Ordinal))
        {
            cancellation.ThrowIfCancellationRequested();
            using var content = new FileStream(data.Repository.OpenStored(name), FileAccess.Read);
            Add(tar, Routes.RepositoryObject(name)[(Routes.Repository.Length + 1)..], content);
        }
    }

    private static void Add(TarWriter tar, string name, Stream content)
    {
        // An extended header of the base library would hold the number of this process.
        TarEntry entry = Encoding.UTF8.GetByteCount(name) < ShortName
            ? new UstarTarEntry(TarEntryType.RegularFile, name)
            : new GnuTarEntry(TarEntryType.RegularFile, name);
        entry.DataStream = content;
        entry.ModificationTime = DateTimeOffset.UnixEpoch;
        tar.WriteEntry(entry);
    }
}
