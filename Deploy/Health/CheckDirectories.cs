namespace ContentTree.Deploy.Health;

/// <summary>Directories whose executables are run, by file name, whichever directory they are in.</summary>
internal static class CheckDirectories
{
    private const UnixFileMode Executable = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    /// <param name="passedOver">Hears of files that cannot be run.</param>
    public static IEnumerable<string> Find(IEnumerable<string> directories, Action<string> passedOver)
    {
        var files = directories.Where(Directory.Exists).SelectMany(Directory.EnumerateFiles)
            .Where(path => Path.GetFileName(path)[0] != '.')
            .OrderBy(Path.GetFileName, StringComparer.Ordinal).ToArray();
        foreach (var path in files.Where(path => !IsExecutable(path)))
            passedOver(path);
        return files.Where(IsExecutable);
    }

    private static bool IsExecutable(string path) => !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & Executable) != 0;
}
