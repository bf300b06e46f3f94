namespace ContentTree.BootSelector;

/// <summary>What the command line asks for.</summary>
internal sealed record Options
{
    public const string Help = """
        usage: ctree-select [--root DIR] [--boot DIR] VERB

          --show             tell what would boot, and why; changes nothing
          --print            choose, count, and print the chosen deployment's directory
          --switch-root DIR  choose, count, and mount the deployment at DIR, ready for switching
          --link PATH        choose, count, and let the symlink PATH lead to the deployment
          --on-trial         end with 0 while what was chosen last is on trial, else with 1
          --last-words       while that is on trial, print a shell script that writes down what speaks against it; else end with 1
          --rescue           wait longer each time, grant fresh tries, reboot
          --version          print the version

          --root DIR         the physical root that holds ctree/ (default /)
          --boot DIR         the directory of boot.a and boot.b (default ROOT/ctree/boot)
          --need-init        with --switch-root: pass over a deployment without init

        exit codes: 0 done, 1 failed, 2 wrong usage, 20 rescue: nothing is left to boot
        """;

    public string? Root { get; private set; }

    public string? Boot { get; private set; }

    public string Verb { get; private set; } = "";

    /// <summary>A deployment without init counts as broken.</summary>
    public bool NeedsInit { get; private set; }

    /// <summary>The directory of <c>--switch-root</c>, or the path of <c>--link</c>.</summary>
    public string Target { get; private set; } = "";

    public override string ToString() => Verb;

    /// <summary>Null and a problem when the words are no command.</summary>
    public static Options? Parse(string[] words, out string problem)
    {
        var options = new Options();
        for (var i = 0; i < words.Length; i++)
        {
            problem = options.Take(words, ref i);
            if (problem.Length != 0)
                return null;
        }
        problem = options.Verb.Length == 0 ? "no verb: --show, --print, --link PATH or --switch-root DIR" : "";
        return problem.Length == 0 ? options : null;
    }

    private string Take(string[] words, ref int i)
    {
        switch (words[i])
        {
            case "--show" or "--print" or "--on-trial" or "--last-words" or "--rescue" or "--version" or "--help":
                return TakeVerb(words[i]);
            case "--need-init":
                NeedsInit = true;
                return "";
            case "--root":
                return TakeDirectory(words, ref i, value => Root = value);
            case "--boot":
                return TakeDirectory(words, ref i, value => Boot = value);
            case "--switch-root" or "--link":
                var problem = TakeVerb(words[i]);
                return problem.Length != 0 ? problem : TakeDirectory(words, ref i, value => Target = value);
            default:
                return $"unknown word '{words[i]}'";
        }
    }

    private string TakeVerb(string verb)
    {
        if (Verb.Length != 0)
            return $"{Verb} and {verb} at once";
        Verb = verb;
        return "";
    }

    private static string TakeDirectory(string[] words, ref int i, Action<string> set)
    {
        if (i + 1 >= words.Length || words[i + 1].Length == 0)
            return $"{words[i]} needs a directory";
        set(Path.GetFullPath(words[++i]));
        return "";
    }
}
