using System.Globalization;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>
/// Kernel and tree never part. The running kernel's <c>ctree.assets=</c> is compared with the chosen deployment's; where they differ
/// the loader is pointed at the right one, by a pointer that the agent prepared, and the machine reboots. The choice was counted
/// before, and twice in a row is the most, so a loader that does as it likes cannot make this go round.
/// </summary>
internal sealed class KernelMatch(DeviceLayout layout, string bootDirectory, KernelCommandLine commandLine, Terminal terminal)
{
    private const int MaxReboots = 2;
    private const int MaxNameSize = 64;

    public KernelVerdict Judge(Choice choice, BootDecision.Boot boot)
    {
        var own = choice.Marker?.Assets;
        // Whoever loads kernels from elsewhere says nothing on the command line.
        if (commandLine["ctree.assets"] is not { Length: > 0 } running || string.IsNullOrEmpty(own))
            return KernelVerdict.Boot;
        if (running == own)
        {
            _ = Libc.unlink(layout.Repointed);
            return KernelVerdict.Boot;
        }
        var problem = boot.Reason == BootReason.Override ? "a person chose it" : TryPoint(boot.Deployment, own);
        var what = $"{boot.Deployment} needs kernel {Shown(own)}, {Shown(running)} runs";
        if (problem.Length == 0)
        {
            BootLog.Note(layout, $"{what}: the loader now points at it, rebooting", terminal);
            return KernelVerdict.Reboot;
        }
        var passOver = boot.Reason == BootReason.Wanted && HasPrevious(choice);
        BootLog.Note(layout, $"{what}, and {problem}: {(passOver ? "it is passed over" : "it boots with the kernel that runs")}", terminal);
        return passOver ? KernelVerdict.PassOver : KernelVerdict.Boot;
    }

    /// <summary>"" when the loader now points at it, else why not.</summary>
    private string TryPoint(DeploymentName name, string assets)
    {
        // A name from a file becomes part of a path only when it can be one.
        if (assets.Length > MaxNameSize || !Text.IsLowerHex(assets))
            return "that is no name of a kernel";
        // For a kernel that has never come up there is none: the loader has counted it out, and pointing at it again would undo that.
        if (LoaderPointer.Read(Path.Combine(layout.LoaderPointers, assets)) is not { } pointer)
            return "no pointer to it was prepared";
        var reboots = Count(name);
        if (reboots >= MaxReboots)
            return $"the loader was pointed at it {reboots} times and started another one";
        try
        {
            SmallFile.Write(layout.Repointed, string.Create(CultureInfo.InvariantCulture, $"{name} {reboots + 1}\n"));
            pointer.Write(bootDirectory);
            return "";
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "the loader cannot be pointed at it: " + e.Message;
        }
    }

    private int Count(DeploymentName name)
    {
        var words = SmallFile.Read(layout.Repointed).TrimEnd('\n').Split(' ');
        var isSame = words.Length == 2 && words[0] == name.ToString();
        return isSame && int.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? count : 0;
    }

    private bool HasPrevious(Choice choice) =>
        choice.Record?.Previous is { } previous && DeploymentMarker.Read(layout.Marker(previous), previous) is not null;

    private static string Shown(string assets) => Text.Printable(assets.Length > 8 ? assets[..8] : assets);
}
