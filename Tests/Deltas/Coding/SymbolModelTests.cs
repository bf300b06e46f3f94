using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Coding;

namespace ContentTree.Tests.Deltas.Coding;

public sealed unsafe class SymbolModelTests
{
    [Fact]
    public void After_a_long_run_of_one_byte_all_others_can_still_be_coded()
    {
        int[] bytes = [.. Enumerable.Repeat(0x5A, 5000), .. Enumerable.Range(0, 256), .. Enumerable.Repeat(0, 5000), .. Enumerable.Range(0, 256).Reverse()];
        var coded = Encode(bytes, (model, value) => model.CodeByte(3, value));
        coded.Length.Should().BeLessThan(1500);
        Decode(coded, bytes.Length, model => model.CodeByte(3, 0)).Should().Equal(bytes);
    }

    [Fact]
    public void A_context_that_is_always_right_earns_its_share()
    {
        var random = new Random(5);
        int[] bytes = [.. Enumerable.Range(0, 4000).Select(_ => random.Next(256))];
        var known = Encode(bytes, (model, value) => WithContext((uint)value, model, value));
        Encode(bytes, (model, value) => WithContext(0, model, value)).Length.Should().BeGreaterThan(3900);
        known.Length.Should().BeLessThan(1500);
    }

    [Fact]
    public void Places_that_cannot_be_are_refused()
    {
        var coded = Encode([0], (model, _) => model.CodeByte(0, 0x80));
        var read = () => Decode(coded, 1, model => model.CodeChanged(0, 3, 0));
        read.Should().Throw<CorruptDeltaException>();
    }

    private static int WithContext(uint context, SymbolModel<BitEncoder, NarrowContexts> model, int value)
    {
        (model.Contexts[0], model.Contexts[1], model.Contexts[2]) = (0, Hash.Of(context, 1), 0);
        return model.CodeByte(0, value);
    }

    private static byte[] Encode(int[] values, Func<SymbolModel<BitEncoder, NarrowContexts>, int, int> code)
    {
        using var memory = new ModelMemory();
        var decisions = new DecisionCoder<BitEncoder, NarrowContexts>(memory) { Coder = BitEncoder.Create() };
        var model = new SymbolModel<BitEncoder, NarrowContexts>(decisions, memory, 10, 8);
        model.Clear();
        foreach (var value in values)
            code(model, value);
        return decisions.Coder.Finish().ToArray();
    }

    private static List<int> Decode(byte[] coded, int count, Func<SymbolModel<BitDecoder, NarrowContexts>, int> code)
    {
        using var memory = new ModelMemory();
        var decisions = new DecisionCoder<BitDecoder, NarrowContexts>(memory) { Coder = new BitDecoder(new MemoryStream(coded)) };
        var model = new SymbolModel<BitDecoder, NarrowContexts>(decisions, memory, 10, 8);
        model.Clear();
        return [.. Enumerable.Range(0, count).Select(_ => code(model))];
    }
}
