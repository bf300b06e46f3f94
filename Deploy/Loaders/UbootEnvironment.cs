namespace ContentTree.Deploy.Loaders;

/// <summary>U-Boot's environment through <c>fw_printenv</c> and <c>fw_setenv</c>, which keep its checksum and its second copy.</summary>
/// <param name="config">fw_env.config: where the environment is.</param>
internal sealed class UbootEnvironment(string config)
{
    /// <exception cref="StoppedException">It cannot be read.</exception>
    public IReadOnlyDictionary<string, string> Read()
    {
        var variables = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in LoaderProgram.Run("fw_printenv", "", "-c", config).Split('\n'))
        {
            if (line.IndexOf('=', StringComparison.Ordinal) is > 0 and var equals)
                variables[line[..equals]] = line[(equals + 1)..];
        }
        return variables;
    }

    /// <summary>Sets variables, all in one write of the environment, and reads them back. Those that are so already are left alone.</summary>
    public void Write(params (string Name, string Value)[] wanted)
    {
        var present = Read();
        if (wanted.All(v => present.GetValueOrDefault(v.Name) == v.Value))
            return;
        LoaderProgram.Run("fw_setenv", string.Concat(wanted.Select(v => $"{v.Name}={v.Value}\n")), "-c", config, "-s", "/dev/stdin");
        var written = Read();
        foreach (var (name, value) in wanted)
        {
            if (written.GetValueOrDefault(name) != value)
                throw new IOException($"U-Boot's environment ({config}): {name} does not read back as '{value}'");
        }
    }
}
