using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using ContentTree.Store;
using ContentTree.Store.Protocol;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Deploy.State;

/// <summary>One JSON file of the device's state. After a power cut it is the old or the new one, whole.</summary>
internal sealed class StateFile<T>(string directory, string name, JsonTypeInfo<T> json, int permissions = 0x1a4) where T : class
{
    private const int MaxBytes = 4 << 20;

    private string FullPath => Path.Combine(directory, name);

    /// <summary>Null when it was never written.</summary>
    /// <exception cref="StoppedException">It is damaged.</exception>
    public T? TryRead()
    {
        using var handle = Posix.OpenDirectory(directory);
        try
        {
            var bytes = DurableFiles.TryRead(handle, Encoding.ASCII.GetBytes(name), MaxBytes);
            return bytes is null ? null : JsonSerializer.Deserialize(bytes, json);
        }
        catch (Exception e) when (e is JsonException or FormatException)
        {
            throw new StoppedException(ExitCode.Failed, $"{FullPath} is damaged ({e.Message}); remove it and run 'ctree init' with the device's values");
        }
    }

    /// <summary>Writes it durably and reads it back.</summary>
    public void Write(T value)
    {
        var bytes = JsonSerializer.SerializeToUtf8Bytes(value, json);
        using var handle = Posix.OpenDirectory(directory);
        SpareFiles.Replace(handle, Encoding.ASCII.GetBytes(name), bytes, permissions);
        ReadBack(handle, bytes);
    }

    private void ReadBack(SafeFileHandle handle, byte[] written)
    {
        if (!(DurableFiles.TryRead(handle, Encoding.ASCII.GetBytes(name), MaxBytes) ?? []).AsSpan().SequenceEqual(written))
            throw new IOException($"{FullPath} does not read back as written");
    }
}
