using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace ContentTree.Store.Deltas.Coding;

/// <summary>
/// The few operations on eight 16-bit lanes that <see cref="Vector128"/> has no name for. The fallback computes the same bits.
/// </summary>
internal static class Lanes
{
    /// <summary>The sum of all products.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Dot(Vector128<short> a, Vector128<short> b)
    {
        if (Sse2.IsSupported)
            return Vector128.Sum(Sse2.MultiplyAddAdjacent(a, b));
        if (AdvSimd.IsSupported)
        {
            var products = AdvSimd.MultiplyWideningLower(a.GetLower(), b.GetLower());
            return Vector128.Sum(AdvSimd.MultiplyWideningUpperAndAdd(products, a, b));
        }
        return DotByLane(a, b);
    }

    /// <summary>The upper half of each product.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> MultiplyHigh(Vector128<short> a, Vector128<short> b)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyHigh(a, b);
        if (AdvSimd.IsSupported)
        {
            var lower = AdvSimd.ShiftRightLogicalNarrowingLower(AdvSimd.MultiplyWideningLower(a.GetLower(), b.GetLower()), 16);
            return AdvSimd.ShiftRightLogicalNarrowingUpper(lower, AdvSimd.MultiplyWideningUpper(a, b), 16);
        }
        return MultiplyHighByLane(a, b);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<short> AddSaturated(Vector128<short> a, Vector128<short> b)
    {
        if (Sse2.IsSupported)
            return Sse2.AddSaturate(a, b);
        return AdvSimd.IsSupported ? AdvSimd.AddSaturate(a, b) : AddSaturatedByLane(a, b);
    }

    public static int DotByLane(Vector128<short> a, Vector128<short> b)
    {
        var sum = 0;
        for (var i = 0; i < Vector128<short>.Count; i++)
            sum += a[i] * b[i];
        return sum;
    }

    public static Vector128<short> MultiplyHighByLane(Vector128<short> a, Vector128<short> b)
    {
        var result = Vector128<short>.Zero;
        for (var i = 0; i < Vector128<short>.Count; i++)
            result = result.WithElement(i, (short)((a[i] * b[i]) >> 16));
        return result;
    }

    public static Vector128<short> AddSaturatedByLane(Vector128<short> a, Vector128<short> b)
    {
        var result = Vector128<short>.Zero;
        for (var i = 0; i < Vector128<short>.Count; i++)
            result = result.WithElement(i, (short)Math.Clamp(a[i] + b[i], short.MinValue, short.MaxValue));
        return result;
    }
}
