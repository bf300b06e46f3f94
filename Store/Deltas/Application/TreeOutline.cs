using System.Buffers.Binary;
using ContentTree.Store.Deltas.Plans;
using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Application;

/// <summary>Planned trees before their ids are known: each has its number for an id, and so has each content. No hash looks like that.</summary>
internal static class TreeOutline
{
    private const byte OfTree = 1, OfContent = 2;

    public static ObjectId TreeId(int tree) => Standing(OfTree, tree);

    /// <summary>Null for an id that stands for no planned tree.</summary>
    /// <exception cref="CorruptDeltaException">What is planned is no tree.</exception>
    public static Tree? Read(DeltaPlan plan, ObjectId id)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.Size];
        id.CopyTo(bytes);
        var number = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (number < 0 || number >= plan.Trees.Count || TreeId(number) != id)
            return null;
        try
        {
            return TreeRebuild.Make(plan, number, content => Standing(OfContent, content), TreeId);
        }
        catch (FormatException e)
        {
            throw new CorruptDeltaException(e.Message, e);
        }
    }

    private static ObjectId Standing(byte kind, int number)
    {
        Span<byte> bytes = stackalloc byte[ObjectId.Size];
        bytes.Clear();
        BinaryPrimitives.WriteInt32LittleEndian(bytes, number);
        bytes[^1] = kind;
        return new ObjectId(bytes);
    }
}
