using System.Text;
using System.Text.Json.Nodes;
using ContentTree.Store.Json;
using FsCheck;
using FsCheck.Fluent;
using JsonValue = ContentTree.Store.Json.JsonValue;

namespace ContentTree.Tests.Json;

public sealed class CanonicalJsonTests
{
    private static readonly Gen<string> Text =
        Gen.Elements("a", "B", "\"", "\\", "/", "\b", "\t", "\n", "\f", "\r", "\u0001", "\u001f", "\u007f", "é", "世", "🚀", "\uffff")
            .ListOf().Select(string.Concat);

    [Fact]
    public void Another_reader_sees_the_same_value() => Prop.ForAll(Arb.From(Value(depth: 3)), value =>
        JsonNode.DeepEquals(JsonNode.Parse(CanonicalJson.Encode(value)), Node(value)).Should().BeTrue()).QuickCheckThrowOnFailure();

    [Fact]
    public void What_is_written_is_read_back_to_the_same_bytes() => Prop.ForAll(Arb.From(Value(depth: 3)), value =>
    {
        var bytes = CanonicalJson.Encode(value);
        CanonicalJson.Encode(CanonicalJson.Decode(bytes, bytes.Length)).Should().Equal(bytes);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Keys_are_sorted_by_their_utf8_bytes()
    {
        var value = JsonValue.ObjectOf(("\U0001f680", 1), ("\uffee", 2), ("é", 3), ("aa", 4), ("a", 5), ("B", 6), ("", 7));

        Encoding.UTF8.GetString(CanonicalJson.Encode(value)).Should()
            .Be("{\"\":7,\"B\":6,\"a\":5,\"aa\":4,\"é\":3,\"\uffee\":2,\"\U0001f680\":1}");
    }

    [Fact]
    public void Escapes_are_the_shortest_and_only_where_needed() =>
        Encoding.UTF8.GetString(CanonicalJson.Encode("\"\\/\b\t\n\f\r\u0001\u001f\u007f\u2028<é")).Should()
            .Be("\"\\\"\\\\/\\b\\t\\n\\f\\r\\u0001\\u001f\u007f\u2028<é\"");

    [Theory]
    [InlineData("9007199254740991", true)]
    [InlineData("-9007199254740991", true)]
    [InlineData("9007199254740992", false)]
    [InlineData("-9007199254740992", false)]
    [InlineData("0", true)]
    [InlineData("-0", false)]
    [InlineData("1.0", false)]
    [InlineData("1e1", false)]
    [InlineData("NaN", false)]
    public void Numbers_are_whole_and_exact_everywhere(string text, bool allowed) => IsCanonical(text).Should().Be(allowed);

    [Theory]
    [InlineData(16, true)]
    [InlineData(17, false)]
    public void Depth_is_bounded(int depth, bool allowed)
    {
        IsCanonical(new string('[', depth) + new string(']', depth)).Should().Be(allowed);
        JsonValue value = true;
        for (var i = 0; i < depth; i++)
            value = JsonValue.ListOf([value], v => v);
        if (allowed)
            CanonicalJson.Encode(value).Should().HaveCount(2 * depth + "true".Length);
        else
            value.Invoking(CanonicalJson.Encode).Should().Throw<FormatException>().WithMessage("nested deeper than 16");
    }

    [Fact]
    public void A_text_above_the_limit_is_not_read()
    {
        var decode = () => CanonicalJson.Decode("\"12345678\""u8, maxBytes: 9);

        decode.Should().Throw<FormatException>().WithMessage("10 bytes, more than 9");
    }

    [Fact]
    public void Half_a_million_open_brackets_are_refused_before_the_stack_is_full() =>
        IsCanonical(new string('[', 500_000)).Should().BeFalse();

    private static bool IsCanonical(string text)
    {
        try
        {
            CanonicalJson.Decode(Encoding.UTF8.GetBytes(text), 1 << 20);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    private static Gen<JsonValue> Value(int depth)
    {
        var leaf = Gen.OneOf(
            Text.Select(t => (JsonValue)t),
            Gen.Elements(true, false).Select(b => (JsonValue)b),
            Gen.Choose(int.MinValue, int.MaxValue).Select(i => (JsonValue)(i * 1_000_000L)));
        if (depth == 0)
            return leaf;
        var below = Value(depth - 1);
        return Gen.OneOf(
            leaf,
            below.ListOf().Select(items => JsonValue.ListOf(items, v => v)),
            below.ListOf().SelectMany(items => Text.ListOf(items.Count).Select(names => Object(names, items))));
    }

    private static JsonValue Object(IEnumerable<string> names, IEnumerable<JsonValue> values) =>
        new JsonValue.Object(names.Zip(values).DistinctBy(p => p.First).ToDictionary(p => p.First, p => p.Second));

    private static JsonNode? Node(JsonValue value) => value switch
    {
        JsonValue.Bool b => b.Value,
        JsonValue.Integer i => i.Value,
        JsonValue.Text t => t.Value,
        JsonValue.List l => new JsonArray([.. l.Items.Select(Node)]),
        JsonValue.Object o => new JsonObject(o.Fields.Select(f => KeyValuePair.Create(f.Key, Node(f.Value)))),
        _ => throw new InvalidOperationException(),
    };
}
