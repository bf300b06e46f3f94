using System.Reflection;
using System.Runtime.InteropServices;

namespace ContentTree.Store.Codecs;

/// <summary>
/// Finds the C libraries behind the codecs. Programs built natively have them linked in and never ask; the others find
/// Debian's run-time names here, not the links of the -dev packages. One assembly can have one such finder only.
/// </summary>
internal static class CodecLibraries
{
    public const string Lz4 = "liblz4";
    public const string Zstd = "libzstd";
    public const string Xz = "liblzma";

    static CodecLibraries() => NativeLibrary.SetDllImportResolver(typeof(CodecLibraries).Assembly, Resolve);

    /// <summary>Makes sure that the finder is there before the first call into a library.</summary>
    public static void Register()
    {
        // The static constructor does it, once.
    }

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path)
    {
        var file = name switch
        {
            Lz4 => "liblz4.so.1",
            Zstd => "libzstd.so.1",
            Xz => "liblzma.so.5",
            _ => null,
        };
        return file is not null && NativeLibrary.TryLoad(file, out var handle) ? handle : 0;
    }
}
