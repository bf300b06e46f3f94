using System.Globalization;
using System.Text;

namespace ContentTree.Deploy.Loaders;

/// <summary>The files that describe each kernel, for whatever reads them: Boot Loader Specification, extlinux, GRUB.</summary>
internal sealed class EntryFiles(BootFiles files)
{
    private const int Sector = 512;
    private const string Entries = "loader/entries";

    private static readonly string[] Places = [Entries, "extlinux", "grub"];

    public void Add(BootEntry entry)
    {
        // With a counter in its name the entry is systemd-boot's to keep; what stands in it is not.
        var present = Specifications(entry.Assets.Name);
        var version = present.Select(VersionOf).DefaultIfEmpty().Max();
        var text = entry.ToSpecification(version > 0 ? version : NextVersion());
        foreach (var name in present.DefaultIfEmpty($"{entry.Id}.conf"))
            files.Put($"{Entries}/{name}", text);
        files.Put($"extlinux/{entry.Id}.conf", entry.ToExtlinux());
        files.Put($"grub/{entry.Id}.cfg", entry.ToGrub());
    }

    public void Remove(string assets)
    {
        foreach (var name in Specifications(assets))
            files.Remove($"{Entries}/{name}");
        files.Remove($"extlinux/{BootEntry.IdOf(assets)}.conf");
        files.Remove($"grub/{BootEntry.IdOf(assets)}.cfg");
    }

    /// <summary>Names of the kernel's entry, with a counter or without: one, unless the power went in between.</summary>
    public IReadOnlyList<string> Specifications(string assets) =>
        [.. files.List(Entries).Where(name => name == $"{BootEntry.IdOf(assets)}.conf" || name.StartsWith($"{BootEntry.IdOf(assets)}+", StringComparison.Ordinal))];

    /// <summary>What stands in one of the kernel's entries, of those that are whole.</summary>
    public string? TextOf(string assets) => Specifications(assets).Select(name => files.ReadText($"{Entries}/{name}"))
        .FirstOrDefault(text => text is not null && BootEntry.IsSpecification(text, assets));

    /// <summary>Kernels that any of these files speaks of.</summary>
    public IEnumerable<string> Names() => Places.SelectMany(files.List)
        .Select(name => BootEntry.AssetsOf(name.Split('.', '+')[0])).OfType<string>().Distinct();

    /// <summary>Removes what a kill left beside them and beside the loader's own file, which lies in one of their directories or above.</summary>
    public void RemoveLeftovers()
    {
        foreach (var place in Places.Append("loader").Append(""))
            files.RemoveLeftovers(place);
    }

    /// <summary>One above all that are there: entries of newer kernels sort first.</summary>
    public long NextVersion() => 1 + files.List(Entries).Where(name => name.EndsWith(".conf", StringComparison.Ordinal)).Select(VersionOf).DefaultIfEmpty().Max();

    /// <summary>An entry's text with another number by which it sorts.</summary>
    public static string WithVersion(string text, long version) => string.Join('\n', text.Split('\n')
        .Select(line => line.StartsWith("version ", StringComparison.Ordinal) ? string.Create(CultureInfo.InvariantCulture, $"version {version}") : line));

    /// <summary>The number by which an entry sorts.</summary>
    public long VersionOf(string name) => (files.ReadText($"{Entries}/{name}") ?? "").Split('\n')
        .Where(line => line.StartsWith("version ", StringComparison.Ordinal))
        .Select(line => long.TryParse(line["version ".Length..], out var version) ? version : 0).FirstOrDefault();

    /// <summary>A text as one sector, filled up with a comment: every write of it is a write of a single sector.</summary>
    public static byte[] ToSector(string text)
    {
        var sector = new byte[Sector];
        sector.AsSpan().Fill((byte)'#');
        sector[^1] = (byte)'\n';
        return Encoding.ASCII.GetBytes(text, sector) < Sector ? sector : throw new ArgumentException("the text is longer than a sector", nameof(text));
    }
}
