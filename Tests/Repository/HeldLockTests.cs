using System.Runtime.InteropServices;
using ContentTree.Store;
using ContentTree.Tests.Support;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Tests.Repositories;

public sealed partial class HeldLockTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Fact]
    public void It_ends_with_its_holder_even_while_a_child_that_is_just_starting_has_a_copy()
    {
        using var root = Posix.OpenDirectory(_directory.Path);
        var held = Take(root);
        held.Should().NotBeNull();
        using var copy = new SafeFileHandle(Duplicate((int)held!.Value.File.DangerousGetHandle()), ownsHandle: true);
        Take(root).Should().BeNull();

        held.Value.Lock.Dispose();

        var next = Take(root);
        next.Should().NotBeNull();
        held.Value.Lock.Dispose();
        Take(root).Should().BeNull("letting go a second time gives nobody else's away");
        next!.Value.Lock.Dispose();
    }

    private static (SafeFileHandle File, HeldLock Lock)? Take(SafeFileHandle root)
    {
        var file = Posix.OpenOrCreateAt(root, "lock"u8, 0x180);
        if (Posix.TryLock(file, exclusive: true, wait: false, "lock"))
            return (file, new HeldLock(file));
        file.Dispose();
        return null;
    }

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Duplicate(int file);
}
