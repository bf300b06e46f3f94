using System.Runtime.InteropServices;

namespace ContentTree.Store.Codecs;

/// <summary>The frame interface of liblz4 (lz4frame.h, stable since 1.7).</summary>
internal static unsafe partial class Lz4Native
{
    public const uint Version = 100;
    public const uint Block64K = 4;

    static Lz4Native() => CodecLibraries.Register();

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_isError(nuint code);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_compressFrameBound(nuint sourceSize, Preferences* preferences);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_compressFrame(byte* target, nuint capacity, byte* source, nuint size, Preferences* preferences);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_createCompressionContext(nint* context, uint version);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_freeCompressionContext(nint context);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_compressBegin(nint context, byte* target, nuint capacity, Preferences* preferences);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_compressBound(nuint sourceSize, Preferences* preferences);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_compressUpdate(nint context, byte* target, nuint capacity, byte* source, nuint size, void* options);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_compressEnd(nint context, byte* target, nuint capacity, void* options);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_createDecompressionContext(nint* context, uint version);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_freeDecompressionContext(nint context);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial void LZ4F_resetDecompressionContext(nint context);

    [LibraryImport(CodecLibraries.Lz4)]
    public static partial nuint LZ4F_decompress(nint context, byte* target, nuint* targetSize, byte* source, nuint* sourceSize, void* options);

    /// <summary>LZ4F_preferences_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Preferences
    {
        public uint BlockSize;
        public uint BlockMode;
        public uint ContentChecksum;
        public uint FrameType;
        public ulong ContentSize;
        public uint DictionaryId;
        public uint BlockChecksum;
        public int Level;
        public uint AutoFlush;
        public uint FavourDecoding;
        public uint Reserved0;
        public uint Reserved1;
        public uint Reserved2;
    }
}
