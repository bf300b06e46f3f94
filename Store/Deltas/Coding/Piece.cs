using System.Runtime.CompilerServices;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// Old and new bytes side by side, both flat in memory with <see cref="Margin"/> readable bytes around them, so that
/// contexts need no bounds checks. An encoder finds the new bytes in place, a decoder puts them there.
/// </summary>
internal unsafe struct Piece
{
    public const int Margin = 64;
    public const int MaxLength = 16 * 1024;

    public byte* New;
    public byte* Old;
    public int Length;

    /// <summary>Positions of the first byte in the new and the old file.</summary>
    public long NewPosition;
    public long OldPosition;

    /// <summary>Bytes before this piece that the same operation copied.</summary>
    public long Copied;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint OldWord(int at) => *(uint*)(Old + at);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint NewWord(int at) => *(uint*)(New + at);

    /// <summary>What was added to the word <paramref name="back"/> bytes before this place.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly uint ChangeAt(int at, int back) => NewWord(at - back) - OldWord(at - back);
}
