using ContentTree.Store.Objects;

namespace ContentTree.Server.Publishing.Sources.Tar;

/// <summary>What a tar archive says of one member. Names are bytes, as they stand there.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Path">Where, not checked.</param>
/// <param name="Target">Of a symbolic link what it holds, of a hard link the member's path; else empty.</param>
/// <param name="Size">Bytes of content, holes included; 0 for what is no file.</param>
internal sealed record TarMember(TarMemberKind Kind, byte[] Path, byte[] Target, long Size, Metadata Metadata, uint Major, uint Minor)
{
    /// <summary>For messages.</summary>
    public string Name => Store.Posix.Display(Path);
}

internal enum TarMemberKind
{
    File,
    HardLink,
    Symlink,
    CharacterDevice,
    BlockDevice,
    Directory,
    Fifo,
}
