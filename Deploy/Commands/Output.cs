using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Deploy.Updates;

namespace ContentTree.Deploy.Commands;

/// <summary>Results go to stdout, everything that is for people to stderr. No colour anywhere.</summary>
internal sealed class Output(TextWriter results, Stream raw, TextWriter people, bool isJson, bool isTerminal)
{
    public bool IsJson { get; } = isJson;

    public TextWriter Results { get; } = results;

    /// <summary>Standard output for bytes that are no text.</summary>
    public Stream Raw { get; } = raw;

    /// <summary>A line for people.</summary>
    public void Say(string line) => people.WriteLine(line);

    /// <summary>The result: as a document with --json, else as text.</summary>
    public void Write<T>(T document, JsonTypeInfo<T> json, Func<T, string> text)
    {
        Results.WriteLine(IsJson ? JsonSerializer.Serialize(document, json) : text(document).TrimEnd('\n'));
        Results.Flush();
    }

    /// <summary>Why the command did not do what it was asked for.</summary>
    public void Error(int code, string message) => people.WriteLine(IsJson
        ? JsonSerializer.Serialize(new ErrorDocument(code, message), LineJson.Default.ErrorDocument)
        : $"ctree: {message}");

    public Progress Progress(TimeProvider clock) => new(people, IsJson, isTerminal, clock);
}
