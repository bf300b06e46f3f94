using ContentTree.BootFile;

namespace ContentTree.Tests.Boot;

public sealed class LoaderPointerTests : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData(512)]
    [InlineData(1024)]
    public void What_is_written_is_read_and_put_at_the_start_of_its_file(int size)
    {
        var block = new byte[size];
        block.AsSpan().Fill((byte)'x');
        File.WriteAllBytes(_directory["pointer"], new LoaderPointer("grub/grubenv", block).Encode());
        Directory.CreateDirectory(_directory["boot/grub"]);
        File.WriteAllBytes(_directory["boot/grub/grubenv"], new byte[1500]);

        LoaderPointer.Read(_directory["pointer"])!.Write(_directory["boot"]);

        var written = File.ReadAllBytes(_directory["boot/grub/grubenv"]);
        written.Should().HaveCount(1500, "the file is overwritten in place");
        written.Count(b => b == 'x').Should().Be(size);
    }

    [Theory]
    [InlineData("../boot.a", 512)]
    [InlineData("/etc/passwd", 512)]
    [InlineData("grub//grubenv", 512)]
    [InlineData("grub/./x", 512)]
    [InlineData("grub/x y", 512)]
    [InlineData("", 512)]
    [InlineData("grub/grubenv", 511)]
    [InlineData("grub/grubenv", 4096)]
    public void What_could_write_elsewhere_or_more_than_two_sectors_is_no_pointer(string file, int size)
    {
        File.WriteAllBytes(_directory["pointer"], [.. System.Text.Encoding.ASCII.GetBytes(file + "\n"), .. new byte[size]]);
        LoaderPointer.Read(_directory["pointer"]).Should().BeNull();
        var make = () => new LoaderPointer(file, new byte[size]);
        make.Should().Throw<ArgumentException>();
    }

    [Fact]
    public void A_file_that_is_missing_or_too_short_is_an_error_and_stays_as_it_is()
    {
        var pointer = new LoaderPointer("loader.conf", new byte[512]);
        var write = () => pointer.Write(_directory.Path);
        write.Should().Throw<IOException>();
        File.WriteAllText(_directory["loader.conf"], "short");
        write.Should().Throw<IOException>().WithMessage("*too few*");
        File.ReadAllText(_directory["loader.conf"]).Should().Be("short");
    }
}
