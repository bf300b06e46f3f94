namespace ContentTree.Deploy.Config;

/// <summary>Reads <c>[section]</c> and <c>key = value</c> lines; '#' and ';' start a comment line.</summary>
internal static class IniFile
{
    /// <exception cref="ConfigException">A line is neither.</exception>
    public static IEnumerable<ConfigSetting> Read(string path)
    {
        return File.Exists(path) ? Parse(File.ReadLines(path), path) : [];
    }

    /// <param name="path">What a message calls it.</param>
    /// <exception cref="ConfigException">A line is neither.</exception>
    public static IEnumerable<ConfigSetting> Parse(IEnumerable<string> lines, string path)
    {
        var section = "";
        var number = 0;
        foreach (var raw in lines)
        {
            number++;
            var line = raw.Trim();
            if (line.Length == 0 || line[0] is '#' or ';')
                continue;
            var origin = $"{path}:{number}";
            if (line[0] == '[' && line[^1] == ']')
                section = line[1..^1].Trim();
            else if (line.IndexOf('=', StringComparison.Ordinal) is var equals and > 0 && section.Length > 0)
                yield return new ConfigSetting($"{section}.{line[..equals].Trim()}", line[(equals + 1)..].Trim(), origin);
            else
                throw new ConfigException(origin, $"'{line}' is no [section] and no 'key = value' below one");
        }
    }
}
