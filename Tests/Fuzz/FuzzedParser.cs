using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Fuzz;

/// <summary>A parser, what it may say no with, and bytes that it takes.</summary>
/// <param name="Read">Reads bytes; what they are when written again, or null where there are several spellings.</param>
/// <param name="Refusals">What it may throw.</param>
/// <param name="Samples">The first has to be read.</param>
internal sealed record FuzzedParser(Func<byte[], byte[]?> Read, Type[] Refusals, params byte[][] Samples)
{
    /// <summary>Of what starts a program or a database each time only every so manyth mutation is tried.</summary>
    public int Every { get; init; } = 1;

    /// <summary>One that has no way to write again what it read.</summary>
    public static FuzzedParser Of(Action<byte[]> read, Type[] refusals, params byte[][] samples) => new(
        bytes =>
        {
            read(bytes);
            return null;
        },
        refusals, samples);

    /// <summary>One of text that has one spelling; null where it is refused.</summary>
    public static FuzzedParser Name(Func<string, string?> read, params string[] samples) =>
        new(bytes => read(Encoding.Latin1.GetString(bytes)) is { } text ? Encoding.Latin1.GetBytes(text) : null, [], [.. samples.Select(Encoding.Latin1.GetBytes)]);

    /// <summary>One of text that says no by a <see cref="FormatException"/>.</summary>
    public static FuzzedParser Words(Action<string> read, params string[] samples) =>
        Of(bytes => read(Encoding.UTF8.GetString(bytes)), [typeof(FormatException)], [.. samples.Select(Encoding.UTF8.GetBytes)]);

    /// <summary>Nothing that was read as a path leads out of where it stands.</summary>
    public static void RequireBelow(EntryPath path)
    {
        foreach (var name in path.Names)
        {
            if (name.Bytes.IndexOfAny((byte)'/', (byte)0) >= 0 || name.Bytes.SequenceEqual(".."u8) || name.Bytes.SequenceEqual("."u8))
                Assert.Fail($"{path} leads elsewhere");
        }
    }

    /// <summary>Whether it may say no so. What a JSON reader throws is of a type of its own below the one that everybody catches.</summary>
    public bool MayThrow(Exception e) => Refusals.Contains(e.GetType()) || (e is JsonException && Refusals.Contains(typeof(JsonException)));

    /// <summary>A message as it comes over the network.</summary>
    public static FuzzedParser Message<T>(JsonTypeInfo<T> type, string sample, Action<T>? use = null) => Of(
        bytes =>
        {
            var message = ProtocolMessage.Parse(bytes, type);
            use?.Invoke(message);
        },
        [typeof(JsonException), typeof(FormatException)], Encoding.UTF8.GetBytes(sample));
}
