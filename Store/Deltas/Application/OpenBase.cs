using ContentTree.Store.Deltas.Coding;

namespace ContentTree.Store.Deltas.Application;

/// <summary>Old bytes and the file that they are read from.</summary>
internal sealed class OpenBase(BaseBytes bytes, IDisposable? file) : IDisposable
{
    public BaseBytes Bytes => bytes;

    public void Dispose()
    {
        (bytes as IDisposable)?.Dispose();
        file?.Dispose();
    }
}
