using System.Globalization;
using ContentTree.BootFile;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// systemd-boot. It counts in the name of an entry (<c>+3</c>, then <c>+2-1</c>, ...) and sorts one without tries last; without a
/// counter an entry is good. A proven kernel is named in loader.conf; for one on trial loader.conf lets the order decide.
/// </summary>
internal sealed class SystemdBootLoader(BootFiles files, EntryFiles entries) : ILoader
{
    private const string Entries = "loader/entries";

    public void RequireAnswer() => files.MakeDirectory(Entries);

    public void Add(BootEntry entry) => entries.Add(entry);

    public void Start(string assets, string? fallback, int tries)
    {
        var present = entries.Specifications(assets);
        if (present.Count == 0)
            throw new IOException($"{files.PathOf(Entries)} has no entry for kernel {assets}");
        var id = BootEntry.IdOf(assets);
        var name = fallback is null ? $"{id}.conf" : string.Create(CultureInfo.InvariantCulture, $"{id}+{tries}.conf");
        if (fallback is not null)
            MakeFirst(present[0]);
        if (present[0] != name)
            files.Rename($"{Entries}/{present[0]}", $"{Entries}/{name}");
        foreach (var other in present.Skip(1).Where(other => other != name))
            files.Remove($"{Entries}/{other}");
        files.Point(fallback is null ? Pointer(assets) : new LoaderPointer("loader/loader.conf", EntryFiles.ToSector("default ctree-*\n")));
        if (entries.Specifications(assets) is not [var only] || only != name)
            throw new IOException($"{files.PathOf(Entries)}: the entry of kernel {assets} does not read back as {name}");
    }

    public LoaderPointer Pointer(string assets) =>
        new("loader/loader.conf", EntryFiles.ToSector($"default {BootEntry.IdOf(assets)}*\n"));

    public void Remove(string assets) => entries.Remove(assets);

    private void MakeFirst(string name)
    {
        var version = entries.VersionOf(name);
        var next = entries.NextVersion();
        if (version == next - 1)
            return;
        var text = files.ReadText($"{Entries}/{name}") ?? "";
        files.Put($"{Entries}/{name}", System.Text.Encoding.ASCII.GetBytes(text.Replace($"\nversion {version}\n", $"\nversion {next}\n", StringComparison.Ordinal)));
    }
}
