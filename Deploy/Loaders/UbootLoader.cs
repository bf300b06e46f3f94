using System.Globalization;
using ContentTree.BootFile;
using ContentTree.Store.Protocol;

namespace ContentTree.Deploy.Loaders;

/// <summary>
/// U-Boot. Its environment counts (<c>upgrade_available</c>, <c>bootcount</c>, <c>bootlimit</c>) and knows the fallback; which kernel
/// comes next stands in ctree.env on the boot partition, where the selector can change it too.
/// </summary>
internal sealed class UbootLoader(BootFiles files, EntryFiles entries, UbootEnvironment environment) : ILoader
{
    private const string File = "ctree.env";

    public void RequireAnswer()
    {
        // Without it U-Boot stops at its prompt when the limit is reached, where nobody is.
        if (!environment.Read().ContainsKey("altbootcmd"))
            throw new StoppedException(ExitCode.Failed, "U-Boot's environment has no altbootcmd, and a device that reaches its bootlimit would wait at a prompt; docs/boot.md has one");
    }

    public void Add(BootEntry entry) => entries.Add(entry);

    // The limit counts boots that were begun: with N it is the one after N that goes elsewhere.
    public void Start(string assets, string? fallback, int tries)
    {
        if (fallback is null)
        {
            files.Point(Pointer(assets));
            environment.Write(("ctree_entry", BootEntry.IdOf(assets)), ("bootcount", "0"), ("upgrade_available", "0"));
            return;
        }
        // Counting first: a power cut in between must not leave an unproven kernel uncounted.
        environment.Write(
            ("ctree_entry", BootEntry.IdOf(assets)),
            ("ctree_previous", BootEntry.IdOf(fallback)),
            ("bootlimit", tries.ToString(CultureInfo.InvariantCulture)),
            ("bootcount", "0"),
            ("upgrade_available", "1"));
        files.Point(Pointer(assets));
    }

    public LoaderPointer Pointer(string assets) => new(File, EntryFiles.ToSector($"ctree_entry={BootEntry.IdOf(assets)}\n"));

    public void Remove(string assets) => entries.Remove(assets);
}
