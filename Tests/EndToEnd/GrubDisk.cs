using ContentTree.Tests.Boot;

namespace ContentTree.Tests.EndToEnd;

/// <summary>
/// A disk with GRUB alone, as the firmware of a PC starts it: its first sector, and its core after that. The core looks for the device's
/// disk by label and goes on with the grub.cfg there.
/// </summary>
internal static class GrubDisk
{
    private const string Modules =
        "biosdisk ext2 part_msdos linux loadenv normal test echo configfile search search_label regexp";

    private const string Early = """
        search --set=root --label ctree-root
        set prefix=($root)/ctree/boot/grub

        """;

    public static string Make(TemporaryDirectory directory)
    {
        File.WriteAllText(directory["early.cfg"], Early);
        Programs.Run(directory.Path, "sh", "-c",
            $"grub-mkimage -O i386-pc -o core.img -p /ctree/boot/grub -c early.cfg {Modules} && cat /usr/lib/grub/i386-pc/boot.img core.img >grub && truncate -s 2M grub");
        return directory["grub"];
    }
}
