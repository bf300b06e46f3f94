namespace ContentTree.BootSelector;

/// <summary>Where results and people's text go. Written straight to the descriptors: the console classes are a tenth of a small program.</summary>
internal sealed class Terminal(Action<string> result, Action<string> people)
{
    /// <summary>Results to standard output, people's text to standard error.</summary>
    public static Terminal Standard { get; } = new(text => Libc.Write(1, text + "\n"), text => Libc.Write(2, "ctree-select: " + text + "\n"));

    /// <summary>What was asked for, for programs.</summary>
    public void Result(string line) => result(line);

    /// <summary>What happened, for people.</summary>
    public void Say(string line) => people(line);
}
