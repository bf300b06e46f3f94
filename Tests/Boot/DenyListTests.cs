using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

public class DenyListTests
{
    private static readonly string Commit = BootSamples.Commit(1);

    [Fact]
    public void Commits_with_a_reason_are_denied_and_other_lines_are_passed_over()
    {
        var list = DenyList.Parse($"# {BootSamples.Commit(2)} health\n{Commit} health sshd did not start\n{BootSamples.Commit(3)}\n" +
            $"{BootSamples.Commit(4)} \n{BootSamples.Commit(5)}x health\n{BootSamples.Commit(6)[1..]} health\n\0\n{BootSamples.Commit(7)} boots");
        list.Contains(Commit).Should().BeTrue();
        list.Contains(BootSamples.Commit(7)).Should().BeTrue("the last line may lack its end");
        foreach (ulong n in new ulong[] { 2, 3, 4, 5, 6 })
            list.Contains(BootSamples.Commit(n)).Should().BeFalse();
    }

    [Fact]
    public void A_missing_list_denies_nothing() => DenyList.Read("/nowhere/denied").Contains(Commit).Should().BeFalse();

    [Fact]
    public void Only_the_first_megabyte_of_a_list_is_read()
    {
        using var directory = new TemporaryDirectory();
        using (var file = File.Create(directory["denied"]))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes($"{Commit} health\n"));
            file.SetLength(1L << 30);
            file.Position = 1 << 21;
            file.Write(System.Text.Encoding.ASCII.GetBytes($"\n{BootSamples.Commit(2)} health\n"));
        }
        var list = DenyList.Read(directory["denied"]);
        list.Contains(Commit).Should().BeTrue();
        list.Contains(BootSamples.Commit(2)).Should().BeFalse();
    }
}
