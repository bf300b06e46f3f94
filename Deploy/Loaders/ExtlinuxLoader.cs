using ContentTree.BootFile;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// extlinux: the first sector of extlinux.conf says which label is the default, the labels are in files of their own. Where Debian's
/// extlinux is installed a kernel on trial is its boot-once; otherwise something else reads the file (U-Boot), and nobody counts.
/// </summary>
internal sealed class ExtlinuxLoader(BootFiles files, EntryFiles entries) : ILoader
{
    private const string Program = "extlinux";
    private const string Config = "extlinux/extlinux.conf";

    public void RequireAnswer()
    {
        if (!HasOnce && !File.Exists(files.PathOf(Config)))
        {
            throw new StoppedException(ExitCode.Failed,
                $"extlinux does not answer: {files.PathOf("extlinux")} has neither ldlinux.sys ('extlinux --install' puts it there) nor an extlinux.conf; " +
                "where something else reads that file, make an empty one");
        }
        // Clearing what is not set changes nothing, and shows that it can be set.
        if (HasOnce)
            LoaderProgram.Run(Program, "", "--clear-once", files.PathOf("extlinux"));
    }

    public void Add(BootEntry entry) => entries.Add(entry);

    public void Start(string assets, string? fallback, int tries)
    {
        if (fallback is null || !HasOnce)
        {
            if (HasOnce)
                LoaderProgram.Run(Program, "", "--clear-once", files.PathOf("extlinux"));
            files.Point(Pointer(assets));
            return;
        }
        files.Point(new LoaderPointer(Config, EntryFiles.ToSector(Default(fallback) + Include(assets))));
        LoaderProgram.Run(Program, "", $"--once={BootEntry.IdOf(assets)}", files.PathOf("extlinux"));
    }

    public LoaderPointer Pointer(string assets) => new(Config, EntryFiles.ToSector(Default(assets)));

    public void Remove(string assets) => entries.Remove(assets);

    private bool HasOnce => File.Exists(files.PathOf("extlinux/ldlinux.sys"));

    private static string Default(string assets) => $"DEFAULT {BootEntry.IdOf(assets)}\nPROMPT 0\n{Include(assets)}";

    private static string Include(string assets) => $"INCLUDE {BootEntry.IdOf(assets)}.conf\n";
}
