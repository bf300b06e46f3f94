using System.Text.RegularExpressions;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>A disk with a boot partition of FAT as a power cut left it, in the machine that can mount it.</summary>
internal sealed partial class FatDisk : IDisposable
{
    private readonly string _memory = CutImage.MakeDirectory();
    private readonly CutContent _content;
    private readonly FatMachine _machine;

    public FatDisk(CutRecording recording, string directory)
    {
        _content = new CutContent(recording.Disk, recording.Writes, Path.Combine(_memory, "image"), from: 0);
        // The machine reads the table of partitions once.
        _content.Become(new CutState(CutState.Prefix, 0, 0, []));
        _machine = new FatMachine(_content.FilePath, directory);
    }

    /// <summary>Back to the beginning of the recording: states come in its order.</summary>
    public void Restart() => _content.Restart();

    public FatSight Look(CutState state)
    {
        _content.Become(state);
        var partition = Path.Combine(_memory, "fat");
        File.WriteAllBytes(partition, _content.Fat);
        Harmful().Matches(Shell.Try($"fsck.vfat -n '{partition}'").Output).Select(line => line.Value).Should().BeEmpty("no file may be damaged by what comes after");
        return _machine.Look();
    }

    /// <summary>The device goes on after it was looked at.</summary>
    public FatSight Recover(CutState state)
    {
        _content.Become(state);
        return _machine.Recover();
    }

    public void Dispose()
    {
        _machine.Dispose();
        _content.Dispose();
        Directory.Delete(_memory, recursive: true);
    }

    // What is allocated and belongs to nobody is lost room and nothing worse; so are two copies of the table that differ.
    [GeneratedRegex("^.*(share clusters|free cluster|bad cluster|chain length is|[Ss]tart cluster|Circular|Bad short|not a subdir|garbage).*$", RegexOptions.Multiline)]
    private static partial Regex Harmful();
}
