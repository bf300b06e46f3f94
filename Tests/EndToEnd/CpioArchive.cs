using System.Globalization;
using System.Text;

namespace ContentTree.Tests.EndToEnd;

/// <summary>Writes an initramfs: a cpio archive of the "newc" kind, which the kernel unpacks.</summary>
internal sealed class CpioArchive(Stream target)
{
    private int _inode;

    public void Directory(string path) => Entry(path, 0x41ed, []);

    public void File(string path, byte[] content, bool executable = false) => Entry(path, executable ? 0x81edu : 0x81a4u, content);

    public void End() => Entry("TRAILER!!!", 0, []);

    private void Entry(string path, uint mode, byte[] content)
    {
        uint[] fields = [(uint)++_inode, mode, 0, 0, 1, 0, (uint)content.Length, 0, 0, 0, 0, (uint)path.Length + 1, 0];
        var header = "070701" + string.Concat(fields.Select(field => field.ToString("X8", CultureInfo.InvariantCulture)));
        Padded(Encoding.ASCII.GetBytes(header + path + "\0"));
        Padded(content);
    }

    private void Padded(byte[] bytes)
    {
        target.Write(bytes);
        target.Write(new byte[(4 - bytes.Length % 4) % 4]);
    }
}
