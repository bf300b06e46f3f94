using System.Text;

namespace ContentTree.Server.Commands;

/// <summary>Where a verb writes: results to <see cref="Out"/> (or raw bytes to <see cref="Raw"/>), text for people to <see cref="Error"/>.</summary>
internal sealed class Terminal(Stream raw, TextWriter error) : IDisposable
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false);

    public Stream Raw { get; } = raw;

    public TextWriter Out { get; } = new StreamWriter(raw, Utf8) { AutoFlush = true };

    public TextWriter Error { get; } = error;

    public static Terminal OfProcess() => new(Console.OpenStandardOutput(), Console.Error);

    public void Dispose() => Out.Dispose();
}
