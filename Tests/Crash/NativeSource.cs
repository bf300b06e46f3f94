using ContentTree.Tests.Support;

namespace ContentTree.Tests.Crash;

/// <summary>C beside the tests, compiled when it is wanted.</summary>
internal static class NativeSource
{
    /// <summary>Compiles <c>Tests/Crash/NAME.c</c>; the path of what came of it.</summary>
    public static string Compile(string name, string result, string options = "")
    {
        var path = Path.Combine(ProjectFiles.PathOf(".work/crash"), result);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        Shell.Run($"gcc {options} -O2 -Wall -Wextra -Werror -o '{path}.new' '{ProjectFiles.PathOf($"Tests/Crash/{name}.c")}' && mv '{path}.new' '{path}'");
        return path;
    }
}
