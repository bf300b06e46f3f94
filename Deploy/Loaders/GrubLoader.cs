using System.Globalization;
using ContentTree.BootFile;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// GRUB with packaging/grub/grub.cfg: <c>saved_entry</c> in its environment block is what it starts; with <c>boot_counter</c> it counts
/// down in the block, and at 0 starts <c>ctree_fallback</c>.
/// </summary>
internal sealed class GrubLoader(BootFiles files, EntryFiles entries) : ILoader
{
    private const string Block = "grub/grubenv";
    // packaging/grub/grub.cfg counts from there; GRUB has no arithmetic.
    private const int MostTries = 5;

    private static readonly string[] Own = ["saved_entry", "ctree_fallback", "boot_counter", "boot_success"];

    public void RequireAnswer() => _ = Variables();

    public void Add(BootEntry entry) => entries.Add(entry);

    public void Start(string assets, string? fallback, int tries)
    {
        (string, string)[] own = fallback is null
            ? [("saved_entry", BootEntry.IdOf(assets)), ("boot_success", "1")]
            :
            [
                ("saved_entry", BootEntry.IdOf(assets)),
                ("ctree_fallback", BootEntry.IdOf(fallback)),
                ("boot_counter", Math.Min(tries, MostTries).ToString(CultureInfo.InvariantCulture)),
                ("boot_success", "0"),
            ];
        files.Point(With(own));
    }

    public LoaderPointer Pointer(string assets) => With(("saved_entry", BootEntry.IdOf(assets)), ("boot_success", "1"));

    public void Remove(string assets) => entries.Remove(assets);

    private LoaderPointer With(params (string Name, string Value)[] own) =>
        new(Block, GrubEnvironment.Format([.. own, .. Variables().Where(v => !Own.Contains(v.Name))]));

    private IReadOnlyList<(string Name, string Value)> Variables()
    {
        try
        {
            return files.Read(Block) is { } block ? GrubEnvironment.Parse(block) : [];
        }
        catch (FormatException e)
        {
            throw new StoppedException(ExitCode.Failed, $"GRUB cannot be steered: {files.PathOf(Block)}: {e.Message}; 'grub-editenv {files.PathOf(Block)} create' makes a new one");
        }
    }
}
