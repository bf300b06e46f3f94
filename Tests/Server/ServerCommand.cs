using System.Text;
using ContentTree.Server.Commands;

namespace ContentTree.Tests.Server;

/// <summary>Runs a verb as a person would, inside the test's process.</summary>
internal sealed record ServerCommand(int Exit, string Out, string Error)
{
    /// <summary>The last line of the results: a commit id after a publish.</summary>
    public string LastLine => Out.TrimEnd().Split('\n')[^1];

    public static async Task<ServerCommand> RunAsync(params string[] args)
    {
        using var output = new MemoryStream();
        using var error = new StringWriter();
        using var terminal = new Terminal(output, error);
        var exit = await CommandLine.RunAsync(args, terminal, TimeProvider.System);
        return new ServerCommand(exit, Encoding.UTF8.GetString(output.ToArray()), error.ToString());
    }

    /// <summary>As <see cref="RunAsync"/>, for verbs that must succeed.</summary>
    public static async Task<ServerCommand> DoAsync(params string[] args)
    {
        var result = await RunAsync(args);
        result.Exit.Should().Be(0, result.Error);
        return result;
    }
}
