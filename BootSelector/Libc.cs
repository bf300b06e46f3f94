using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using ContentTree.BootFile;

namespace ContentTree.BootSelector;

/// <summary>The calls the selector makes to libc and the kernel, beyond those of the boot file. For 64-bit Linux.</summary>
internal static partial class Libc
{
    public const int O_RDWR = 2;
    public const int O_NOCTTY = 0x100;
    public const int O_TRUNC = 0x200;
    public const int O_APPEND = 0x400;
    public const int O_PATH = 0x200000;
    public const int MNT_DETACH = 2;
    public const uint RB_AUTOBOOT = 0x01234567;
    public const uint WDIOC_SETTIMEOUT = 0xC0045706;
    private const int POLLIN = 1;
    private const int SIGPIPE = 13;
    private const int SIG_SETMASK = 2;
    private const int RLIMIT_NOFILE = 7;
    private const long SYS_openat2 = 437;
    private const ulong RESOLVE_IN_ROOT = 0x10;

    private static readonly long SYS_finit_module =
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 273 : 313;

    /// <exception cref="IOException">The call failed: what, on which path, and why.</exception>
    public static void Check(int result, string what, string path)
    {
        if (result != 0)
            throw Kernel.Error(what, path);
    }

    /// <summary>Writes all of the text, or as much as the descriptor takes; a console that is gone stops no boot.</summary>
    public static unsafe void Write(int fd, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        fixed (byte* start = bytes)
        {
            for (nint done = 0; done < bytes.Length;)
            {
                var count = Kernel.write(fd, start + done, (nuint)(bytes.Length - done));
                if (count <= 0)
                    return;
                done += count;
            }
        }
    }

    /// <summary>Whether there is something to read within the time.</summary>
    public static unsafe bool WaitToRead(int fd, long milliseconds)
    {
        // One struct pollfd: the descriptor, and 16 bits each of what is waited for and of what came.
        var wait = stackalloc int[2] { fd, POLLIN };
        return milliseconds > 0 && poll(wait, 1, (int)milliseconds) > 0 && (wait[1] >> 16) == POLLIN;
    }

    /// <summary>What can be read at once, at most so many bytes.</summary>
    public static unsafe string ReadText(int fd, int limit)
    {
        var bytes = new byte[limit];
        fixed (byte* start = bytes)
            return Encoding.UTF8.GetString(bytes, 0, (int)Math.Max(read(fd, start, (nuint)limit), 0));
    }

    /// <summary>Whether <paramref name="path"/> leads to something when <paramref name="root"/> is taken for "/".</summary>
    public static unsafe bool ExistsInRoot(string root, string path)
    {
        var directory = Kernel.Open(root, O_PATH | Kernel.O_DIRECTORY | Kernel.O_CLOEXEC, 0);
        if (directory < 0)
            return false;
        var how = stackalloc ulong[3] { (ulong)(O_PATH | Kernel.O_CLOEXEC), 0, RESOLVE_IN_ROOT };
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            var fd = (int)syscall(SYS_openat2, directory, (nint)name, (nint)how, 24);
            _ = Kernel.close(directory);
            return fd >= 0 && Kernel.close(fd) == 0;
        }
    }

    /// <summary>Loads a kernel module's file; <paramref name="compressed"/> lets the kernel unpack it.</summary>
    public static unsafe bool LoadModule(int fd, bool compressed)
    {
        byte none = 0;
        return syscall(SYS_finit_module, fd, (nint)(&none), compressed ? 4 : 0, 0) == 0;
    }

    /// <summary>Gives init what the kernel would have given it: default signals and limits, which this runtime has changed.</summary>
    public static unsafe void ResetProcess()
    {
        signal(SIGPIPE, 0);
        var nothing = stackalloc ulong[16];
        new Span<ulong>(nothing, 16).Clear();
        _ = sigprocmask(SIG_SETMASK, nothing, null);
        var limit = stackalloc ulong[2];
        if (getrlimit(RLIMIT_NOFILE, limit) == 0 && limit[0] > 1024)
        {
            limit[0] = 1024;
            _ = setrlimit(RLIMIT_NOFILE, limit);
        }
    }

    /// <summary>
    /// The base library seeds its hash codes from /dev/urandom when it needs the first one, and early in the boot of a machine without a source
    /// of random numbers that read takes a second. Nothing here needs good ones: where no file can be opened it takes the time instead.
    /// </summary>
    public static unsafe void SeedWithoutWaiting()
    {
        var limit = stackalloc ulong[2];
        if (getrlimit(RLIMIT_NOFILE, limit) != 0)
            return;
        var files = limit[0];
        limit[0] = 0;
        _ = setrlimit(RLIMIT_NOFILE, limit);
        _ = RuntimeHelpers.GetHashCode(new object()) + "".GetHashCode(StringComparison.Ordinal);
        limit[0] = files;
        _ = setrlimit(RLIMIT_NOFILE, limit);
    }

    /// <summary>Replaces this program; returns only when that failed.</summary>
    public static unsafe void Execute(string path, string[] words)
    {
        fixed (nint* argv = Strings(words))
            _ = execv(path, argv);
    }

    /// <summary>Starts a program and waits for its end; as PID 1 other children that end meanwhile are let go. False when it could not be started.</summary>
    public static unsafe bool RunChild(string path, string[] words, string[] environment)
    {
        var (arguments, variables) = (Strings(words), Strings(environment));
        int pid, error;
        fixed (nint* argv = arguments, envp = variables)
            error = posix_spawn(&pid, path, 0, 0, argv, envp);
        if (error != 0)
        {
            Marshal.SetLastPInvokeError(error);
            return false;
        }
        int ended;
        do
            ended = waitpid(-1, 0, 0);
        while (ended != pid && (ended > 0 || Marshal.GetLastPInvokeError() == Kernel.EINTR));
        return true;
    }

    /// <summary>Makes the console what is read from and written to: the kernel opens it before /dev is there, and with no node in the initramfs nothing is open.</summary>
    public static void OpenConsole()
    {
        var fd = Kernel.Open("/dev/console", O_RDWR | O_NOCTTY, 0);
        if (fd < 0)
            return;
        for (var standard = 0; standard <= 2; standard++)
            _ = dup2(fd, standard);
        if (fd > 2)
            _ = Kernel.close(fd);
    }

    // They stay: what is started runs on, or this program ends soon.
    private static nint[] Strings(string[] texts)
    {
        var strings = new nint[texts.Length + 1];
        for (var i = 0; i < texts.Length; i++)
            strings[i] = Marshal.StringToCoTaskMemUTF8(texts[i]);
        return strings;
    }

    [LibraryImport("libc")]
    public static partial int getpid();

    [LibraryImport("libc")]
    public static partial uint geteuid();

    [LibraryImport("libc")]
    public static partial void sync();

    [LibraryImport("libc")]
    public static partial long time(nint alsoHere);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int reboot(uint command);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int mount(string source, string target, string? type, MountFlags flags, string? data);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int umount2(string target, int flags);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chroot(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int chdir(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rename(string from, string to);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int unlink(string path);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int rmdir(string path);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int fchdir(int directory);

    [LibraryImport("libc", SetLastError = true)]
    public static partial int dup2(int from, int to);

    [LibraryImport("libc", SetLastError = true)]
    public static unsafe partial int ioctl(int fd, nuint request, int* value);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static unsafe partial int statfs(string path, byte* buffer);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial int poll(int* descriptors, nuint count, int milliseconds);

    [LibraryImport("libc", SetLastError = true)]
    private static unsafe partial nint read(int fd, byte* buffer, nuint count);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint syscall(long number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc")]
    private static partial nint signal(int number, nint handler);

    [LibraryImport("libc")]
    private static unsafe partial int sigprocmask(int how, ulong* set, ulong* old);

    [LibraryImport("libc")]
    private static unsafe partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc")]
    private static unsafe partial int setrlimit(int resource, ulong* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, nint status, int options);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int posix_spawn(int* pid, string path, nint fileActions, nint attributes, nint* argv, nint* envp);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static unsafe partial int execv(string path, nint* words);
}
