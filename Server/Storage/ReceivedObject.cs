using ContentTree.Store;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Storage;

/// <summary>A received LZ4 frame, kept in a file without a name until its content has been checked.</summary>
internal sealed class ReceivedObject : IDisposable
{
    private const int BufferBytes = 256 * 1024;

    private readonly ObjectName _name;
    private readonly FileStream _spool;

    private ReceivedObject(ObjectName name, FileStream spool)
    {
        _name = name;
        _spool = spool;
    }

    /// <summary>Takes the body in at the sender's speed, holding no lock meanwhile.</summary>
    public static async Task<ReceivedObject> ReceiveAsync(ObjectName name, Stream body, string folder, CancellationToken cancellation)
    {
        var path = Path.Combine(folder, $"received-{Guid.NewGuid():N}");
        var spool = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            Options = FileOptions.DeleteOnClose | FileOptions.Asynchronous,
            BufferSize = BufferBytes,
        });
        // Nameless from here: a killed server leaves nothing to tidy up.
        File.Delete(path);
        try
        {
            await body.CopyToAsync(spool, cancellation);
            await spool.FlushAsync(cancellation);
            return new ReceivedObject(name, spool);
        }
        catch
        {
            await spool.DisposeAsync();
            throw;
        }
    }

    /// <summary>Copies the frame while checking it.</summary>
    /// <exception cref="CorruptObjectException">Not one LZ4 frame with this content.</exception>
    public void WriteTo(SafeFileHandle target)
    {
        using var check = new FrameCheck();
        _spool.Position = 0;
        check.Read(_name, _spool, piece => Posix.Write(target, piece, _name.ToString()));
    }

    public void Dispose() => _spool.Dispose();
}
