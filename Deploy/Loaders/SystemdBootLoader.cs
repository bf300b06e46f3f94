using System.Globalization;
using System.Text;
using ContentTree.BootFile;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// systemd-boot. It counts in the name of an entry (<c>+3</c>, then <c>+2-1</c>, ...) and sorts one without tries last; without a
/// counter an entry is good. A proven kernel is named in loader.conf; for one on trial loader.conf lets the order decide.
/// </summary>
internal sealed class SystemdBootLoader(BootFiles files, EntryFiles entries) : ILoader
{
    private const string Entries = "loader/entries";
    private const StringComparison Ignored = StringComparison.OrdinalIgnoreCase;

    public void RequireAnswer()
    {
        // Names on FAT are found in any spelling, and the firmware's are often in capitals.
        if (!Programs().Any(program => program.Directory == "systemd" ? program.Name.StartsWith("systemd-boot", Ignored) : program.Name.StartsWith("boot", Ignored)))
        {
            throw new StoppedException(ExitCode.Failed,
                $"systemd-boot does not answer: {files.PathOf("EFI")} has neither systemd/systemd-boot*.efi nor BOOT/BOOT*.EFI, so this is not the partition that it reads; " +
                "'bootctl install' puts it there, ctree.boot= names the partition");
        }
        files.MakeDirectory(Entries);
    }

    public void Add(BootEntry entry) => entries.Add(entry);

    // Never a rename: FAT may lose both names to a power cut. The other entries go when the new one is durable; until then the same kernel has two.
    public void Start(string assets, string? fallback, int tries)
    {
        var text = entries.TextOf(assets) ?? throw new IOException($"{files.PathOf(Entries)} has no entry for kernel {assets}");
        var id = BootEntry.IdOf(assets);
        var name = fallback is null ? $"{id}.conf" : string.Create(CultureInfo.InvariantCulture, $"{id}+{tries}.conf");
        files.Put($"{Entries}/{name}", Encoding.ASCII.GetBytes(fallback is null ? text : AtTop(assets, text)));
        if (fallback is null)
            files.Point(Pointer(assets));
        files.Settle();
        foreach (var other in entries.Specifications(assets).Where(other => other != name))
            files.Remove($"{Entries}/{other}");
        if (fallback is not null)
            files.Point(new LoaderPointer("loader/loader.conf", EntryFiles.ToSector("default ctree-*\n")));
        if (entries.Specifications(assets) is not [var only] || only != name)
            throw new IOException($"{files.PathOf(Entries)}: the entry of kernel {assets} does not read back as {name}");
    }

    public LoaderPointer Pointer(string assets) =>
        new("loader/loader.conf", EntryFiles.ToSector($"default {BootEntry.IdOf(assets)}*\n"));

    public void Remove(string assets) => entries.Remove(assets);

    private IEnumerable<(string Directory, string Name)> Programs() =>
        from efi in files.List("").Where(name => name.Equals("EFI", Ignored))
        from directory in files.List(efi).Where(name => name.Equals("systemd", Ignored) || name.Equals("BOOT", Ignored))
        from name in files.List($"{efi}/{directory}").Where(name => name.EndsWith(".efi", Ignored))
        select (directory.ToLowerInvariant(), name);

    // The highest version is the first in the order.
    private string AtTop(string assets, string text)
    {
        var next = entries.NextVersion();
        var present = entries.Specifications(assets).Select(entries.VersionOf).Max();
        return EntryFiles.WithVersion(text, present == next - 1 ? present : next);
    }
}
