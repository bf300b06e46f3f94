using System.Runtime.InteropServices;

namespace ContentTree.Store.Codecs;

/// <summary>The .xz part of liblzma (lzma.h, stable since 5.0; the parallel encoder since 5.2).</summary>
internal static unsafe partial class XzNative
{
    public const int Ok = 0;
    public const int StreamEnd = 1;
    public const int OutOfMemory = 5;
    public const int MemoryLimit = 6;
    public const int NoProgress = 10;

    public const int Run = 0;
    public const int FullFlush = 2;
    public const int Finish = 3;

    public const uint Extreme = 1u << 31;
    public const ulong FilterX86 = 0x04;
    public const ulong FilterLzma2 = 0x21;
    public const ulong FilterEnd = ulong.MaxValue;

    static XzNative() => CodecLibraries.Register();

    [LibraryImport(CodecLibraries.Xz)]
    public static partial uint lzma_version_number();

    [LibraryImport(CodecLibraries.Xz)]
    public static partial byte lzma_lzma_preset(Options* options, uint preset);

    [LibraryImport(CodecLibraries.Xz)]
    public static partial ulong lzma_raw_encoder_memusage(Filter* filters);

    [LibraryImport(CodecLibraries.Xz)]
    public static partial ulong lzma_raw_decoder_memusage(Filter* filters);

    [LibraryImport(CodecLibraries.Xz)]
    public static partial ulong lzma_stream_encoder_mt_memusage(BlockOptions* options);

    [LibraryImport(CodecLibraries.Xz)]
    public static partial int lzma_stream_encoder(Stream* stream, Filter* filters, int check);

    [LibraryImport(CodecLibraries.Xz)]
    public static partial int lzma_stream_encoder_mt(Stream* stream, BlockOptions* options);

    [LibraryImport(CodecLibraries.Xz)]
    public static partial int lzma_stream_decoder(Stream* stream, ulong memoryLimit, uint flags);

    [LibraryImport(CodecLibraries.Xz)]
    public static partial int lzma_code(Stream* stream, int action);

    [LibraryImport(CodecLibraries.Xz)]
    public static partial void lzma_end(Stream* stream);

    /// <summary>lzma_stream.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Stream
    {
        public byte* NextIn;
        public nuint AvailableIn;
        public ulong TotalIn;
        public byte* NextOut;
        public nuint AvailableOut;
        public ulong TotalOut;
        public nint Allocator;
        public nint Internal;
        public fixed long Reserved[12];
    }

    /// <summary>lzma_filter.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Filter
    {
        public ulong Id;
        public void* Options;
    }

    /// <summary>lzma_options_lzma.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Options
    {
        public uint Dictionary;
        public nint PresetDictionary;
        public fixed uint Rest[24];
    }

    /// <summary>lzma_mt.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct BlockOptions
    {
        public uint Flags;
        public uint Threads;
        public ulong BlockSize;
        public uint Timeout;
        public uint Preset;
        public Filter* Filters;
        public int Check;
        public fixed uint Reserved[32];
    }
}
