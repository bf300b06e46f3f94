using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server.Ostree;

/// <summary>The part of an <see cref="AwkwardTree"/> that OSTree can hold.</summary>
internal static class OstreeTree
{
    public static void Make(string path)
    {
        AwkwardTree.Make(path);
        // No device nodes and pipes, and names of UTF-8 only; the program leaves out attributes without a value.
        Shell.Run($$"""cd '{{path}}'; rm char block pipe "$(printf 'not\377utf8')"; setfattr -x user.empty attributes """);
    }
}
