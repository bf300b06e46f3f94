using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics;
using System.Text;

namespace ContentTree.Store.Json;

/// <summary>Writes canonical JSON; the reading side is <see cref="CanonicalJson"/>.</summary>
internal sealed class CanonicalJsonWriter
{
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private readonly ArrayBufferWriter<byte> _out = new();

    private CanonicalJsonWriter()
    {
    }

    public static byte[] Write(JsonValue value)
    {
        var writer = new CanonicalJsonWriter();
        writer.Value(value, depth: 0);
        return writer._out.WrittenSpan.ToArray();
    }

    private void Value(JsonValue value, int depth)
    {
        if (depth > CanonicalJson.MaxDepth)
            throw new FormatException($"nested deeper than {CanonicalJson.MaxDepth}");
        switch (value)
        {
            case JsonValue.Bool b: _out.Write(b.Value ? "true"u8 : "false"u8); break;
            case JsonValue.Integer i: Integer(i.Value); break;
            case JsonValue.Text t: Text(Utf8(t.Value)); break;
            case JsonValue.List l: List(l.Items, depth + 1); break;
            case JsonValue.Object o: Object(o.Fields, depth + 1); break;
            default: throw new UnreachableException();
        }
    }

    private void Integer(long number)
    {
        if (number is > CanonicalJson.MaxInteger or < -CanonicalJson.MaxInteger)
            throw new FormatException($"number {number} is beyond 2^53 - 1");
        Utf8Formatter.TryFormat(number, _out.GetSpan(20), out var length);
        _out.Advance(length);
    }

    private void List(IReadOnlyList<JsonValue> items, int depth)
    {
        Byte('[');
        for (var i = 0; i < items.Count; i++)
        {
            if (i > 0)
                Byte(',');
            Value(items[i], depth);
        }
        Byte(']');
    }

    private void Object(IReadOnlyDictionary<string, JsonValue> fields, int depth)
    {
        var sorted = fields.Select(f => (Name: Utf8(f.Key), f.Value)).ToArray();
        Array.Sort(sorted, (x, y) => x.Name.AsSpan().SequenceCompareTo(y.Name));
        Byte('{');
        for (var i = 0; i < sorted.Length; i++)
        {
            if (i > 0)
                Byte(',');
            Text(sorted[i].Name);
            Byte(':');
            Value(sorted[i].Value, depth);
        }
        Byte('}');
    }

    private void Text(ReadOnlySpan<byte> utf8)
    {
        Byte('"');
        foreach (var b in utf8)
            Character(b);
        Byte('"');
    }

    private void Character(byte b)
    {
        switch (b)
        {
            case 0: throw new FormatException("a string contains NUL");
            case (byte)'"': _out.Write("\\\""u8); break;
            case (byte)'\\': _out.Write("\\\\"u8); break;
            case (byte)'\b': _out.Write("\\b"u8); break;
            case (byte)'\t': _out.Write("\\t"u8); break;
            case (byte)'\n': _out.Write("\\n"u8); break;
            case (byte)'\f': _out.Write("\\f"u8); break;
            case (byte)'\r': _out.Write("\\r"u8); break;
            case < 0x20: _out.Write(Encoding.ASCII.GetBytes($"\\u{b:x4}")); break;
            default: Byte((char)b); break;
        }
    }

    private void Byte(char ascii)
    {
        _out.GetSpan(1)[0] = (byte)ascii;
        _out.Advance(1);
    }

    private static byte[] Utf8(string text)
    {
        try
        {
            return StrictUtf8.GetBytes(text);
        }
        catch (EncoderFallbackException e)
        {
            throw new FormatException("a string has a lone surrogate", e);
        }
    }
}
