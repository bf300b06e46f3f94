namespace ContentTree.Deploy.Config;

/// <summary>A configuration file has a line or a value that cannot be used.</summary>
/// <param name="origin">File and line.</param>
internal sealed class ConfigException(string origin, string problem) : Exception($"{origin}: {problem}");
