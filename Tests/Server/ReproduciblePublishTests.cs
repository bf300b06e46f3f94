using ContentTree.Tests.Support;

namespace ContentTree.Tests.Server;

/// <summary>The same files are the same tree, and with the same time and parents the same commit, whoever publishes them and where.</summary>
public sealed class ReproduciblePublishTests
{
    public static TheoryData<string, string> Places => new()
    {
        { "TZ=Pacific/Kiritimati LC_ALL=C umask=000", "TZ=America/New_York LC_ALL=tr_TR.UTF-8 umask=077" },
        { "TZ=Asia/Kolkata LANG=de_DE.UTF-8 umask=027", "TZ=UTC LANG=C umask=022" },
    };

    [Trait("Category", "Slow")]
    [Theory]
    [MemberData(nameof(Places))]
    public void Time_zone_language_umask_and_the_order_of_a_directory_change_nothing(string here, string there)
    {
        using var directory = new TemporaryDirectory();
        Directory.CreateDirectory(directory["one"]);
        Shell.Run("for n in b A a Z ä İ i I ß 10 9; do echo $n > $n; done; mkdir -p sub/deep; echo x > sub/deep/x; cp /bin/true program; ln -s a link; chmod -R u=rwX,go=rX .", directory["one"]);
        Directory.CreateDirectory(directory["two"]);
        // Made the other way round: directories list in another order.
        Shell.Run("ls -1 ../one | sort -r | while read -r n; do cp -a ../one/$n .; done", directory["two"]);
        string[][] published = [Publish(directory, "one", here, "1"), Publish(directory, "two", there, "1")];
        published[0].Should().Equal(published[1]);
        published[0][0].Should().NotBe(published[0][1], "the second has the first for a parent");
    }

    private static string[] Publish(TemporaryDirectory directory, string source, string place, string more)
    {
        var umask = place.Split("umask=")[1];
        var run = $"umask {umask}; export {place.Split(" umask=")[0]}; dotnet '{ServerProcess.Program}' --data '{directory[source + "-data"]}'";
        Shell.Run($"{run} init", directory.Path);
        var first = Shell.Run($"{run} publish --branch {source} --created @1795232700 --owner 0:0 --version {more} '{directory[source]}'", directory.Path).Trim();
        Shell.Run("echo more > sub/more; chmod 644 sub/more", directory[source]);
        return [first, Shell.Run($"{run} publish --branch {source} --created @1795232800 --owner 0:0 --version {more} '{directory[source]}'", directory.Path).Trim()];
    }
}
