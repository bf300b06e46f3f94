using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>A disk of f2fs as a power cut left it, in the machine that can mount it.</summary>
internal sealed class F2fsDisk : IDisposable
{
    private readonly string _memory = CutImage.MakeDirectory();
    private readonly CutContent _content;
    private readonly F2fsMachine _machine;

    public F2fsDisk(CutRecording recording, string directory)
    {
        _content = new CutContent(recording.Disk, recording.Writes, Path.Combine(_memory, "image"));
        _machine = new F2fsMachine(_content.FilePath, directory);
    }

    /// <summary>Back to the beginning of the recording: states come in its order.</summary>
    public void Restart() => _content.Restart();

    public Bootable Look(CutState state)
    {
        _content.Become(state);
        return _machine.Look();
    }

    /// <summary>The device goes on after it was looked at; then the file system is whole.</summary>
    public Bootable Recover(CutState state, bool isDamaged)
    {
        _content.Become(state);
        var now = _machine.Recover(isDamaged);
        var check = Shell.Try($"fsck.f2fs -f --dry-run '{_content.FilePath}'");
        (check.Exit, check.Output.Contains("[Fail]", StringComparison.Ordinal)).Should().Be((0, false), "the file system is whole: {0}", check.Output);
        return now;
    }

    public void Dispose()
    {
        _machine.Dispose();
        _content.Dispose();
        Directory.Delete(_memory, recursive: true);
    }
}
