using System.Runtime.InteropServices;

namespace ContentTree.Store.Codecs;

/// <summary>
/// The streaming interface of libzstd (zstd.h, stable since 1.4). The three parameters marked experimental there have kept
/// their numbers since 1.4 and are checked when they are set.
/// </summary>
internal static unsafe partial class ZstdNative
{
    public const int Level = 100;
    public const int WindowLogParameter = 101;
    public const int LongDistanceMatching = 160;
    public const int ContentSizeFlag = 200;
    public const int ExperimentalFormat = 10;

    public const int WindowLogMaxParameter = 100;
    public const int ExperimentalDecoderFormat = 1000;
    public const int ExperimentalStableOutput = 1001;

    public const int Magicless = 1;
    public const int ResetSession = 1;
    public const int ResetAll = 3;
    public const int Continue = 0;
    public const int FlushPiece = 1;
    public const int End = 2;

    static ZstdNative() => CodecLibraries.Register();

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial uint ZSTD_versionNumber();

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial uint ZSTD_isError(nuint code);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial byte* ZSTD_getErrorName(nuint code);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_compressBound(nuint size);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nint ZSTD_createCCtx();

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_freeCCtx(nint context);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_CCtx_reset(nint context, int directive);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_CCtx_setParameter(nint context, int parameter, int value);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_CCtx_setPledgedSrcSize(nint context, ulong size);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_CCtx_refPrefix(nint context, byte* prefix, nuint size);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_compress2(nint context, byte* target, nuint capacity, byte* source, nuint size);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_compressStream2(nint context, Buffer* output, Buffer* input, int directive);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nint ZSTD_createDCtx();

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_freeDCtx(nint context);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_DCtx_reset(nint context, int directive);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_DCtx_setParameter(nint context, int parameter, int value);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_DCtx_refPrefix(nint context, byte* prefix, nuint size);

    [LibraryImport(CodecLibraries.Zstd)]
    public static partial nuint ZSTD_decompressStream(nint context, Buffer* output, Buffer* input);

    /// <summary>Why a call failed, in the library's words.</summary>
    public static string Reason(nuint code) => Marshal.PtrToStringUTF8((nint)ZSTD_getErrorName(code)) ?? "";

    /// <summary>ZSTD_inBuffer and ZSTD_outBuffer, which have one layout.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Buffer
    {
        public byte* Start;
        public nuint Size;
        public nuint Position;
    }
}
