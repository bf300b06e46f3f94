using System.CommandLine;
using ContentTree.Deploy.Commands;

namespace ContentTree.Tests.Deploy;

/// <summary>The verbs of the program, as it knows them.</summary>
internal static class TestVerbs
{
    public static IReadOnlyList<string> All() => [.. CommandLine.Verbs().SelectMany(verb => Names(verb, ""))];

    private static IEnumerable<string> Names(Command command, string prefix) => command.Subcommands.Count == 0
        ? [prefix + command.Name]
        : command.Subcommands.SelectMany(sub => Names(sub, $"{prefix}{command.Name} "));
}
