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
    private const string Config = "grub/grub.cfg";
    // packaging/grub/grub.cfg counts from there; GRUB has no arithmetic.
    private const int MostTries = 5;

    private static readonly string[] Needed = ["load_env", "saved_entry", "boot_counter", "ctree_fallback"];

    private static readonly string[] Own = ["saved_entry", "ctree_fallback", "boot_counter", "boot_success"];

    public void RequireAnswer()
    {
        if (files.Read(Block) is null)
            throw Unsteered(Block, "there is none", create: true);
        _ = Variables();
        if (!File.Exists(files.PathOf(Config)))
            throw Unsteered(Config, "there is none; packaging/grub/grub.cfg is one that does what is needed", create: false);
        var text = Script();
        if (Needed.FirstOrDefault(word => !text.Contains(word, StringComparison.Ordinal)) is { } missing)
            throw Unsteered(Config, $"it says nothing of {missing}, so GRUB would not start what the environment block names; packaging/grub/grub.cfg does", create: false);
    }

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
            throw Unsteered(Block, e.Message, create: true);
        }
    }

    // Our part may stand in a file that it sources.
    private string Script()
    {
        try
        {
            return string.Concat(files.List("grub").Where(name => name.EndsWith(".cfg", StringComparison.Ordinal) && !name.StartsWith("ctree-", StringComparison.Ordinal))
                .Select(name => files.ReadText($"grub/{name}")));
        }
        catch (FormatException e)
        {
            throw Unsteered(Config, e.Message, create: false);
        }
    }

    private StoppedException Unsteered(string file, string why, bool create) => new(ExitCode.Failed,
        $"GRUB cannot be steered: {files.PathOf(file)}: {why}" + (create ? $"; 'grub-editenv {files.PathOf(file)} create' makes a new one" : ""));
}
