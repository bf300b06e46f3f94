using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;

namespace ContentTree.Server.Publishing.Sources.Git;

/// <summary>Leads LibGit2Sharp, which looks for a library of its own, to the libgit2 of Debian.</summary>
internal static class NativeGit
{
    private const string Library = "libgit2.so.1.5";
    private static readonly Lock Gate = new();
    private static bool _isSet;

    /// <summary>Before the first use of LibGit2Sharp.</summary>
    public static void Use()
    {
        lock (Gate)
        {
            if (!_isSet)
                AssemblyLoadContext.Default.ResolvingUnmanagedDll += Resolve;
            _isSet = true;
        }
    }

    private static IntPtr Resolve(Assembly assembly, string name)
    {
        if (!name.Contains("git2-", StringComparison.Ordinal))
            return IntPtr.Zero;
        return NativeLibrary.TryLoad(Library, out var handle)
            ? handle
            : throw new IOException($"{Library} is missing: install the Debian package libgit2-1.5");
    }
}
