using System.Text;

namespace ContentTree.Deploy.Health;

/// <summary>The last characters that a program wrote, however much it wrote.</summary>
internal sealed class OutputTail(int length)
{
    private readonly StringBuilder _text = new();

    public async Task ReadAsync(TextReader reader)
    {
        var buffer = new char[1024];
        try
        {
            while (await reader.ReadAsync(buffer).ConfigureAwait(false) is > 0 and var count)
                Add(buffer.AsSpan(0, count));
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The program's end came first.
        }
    }

    /// <summary>At most so many characters of it.</summary>
    public string Last(int count)
    {
        lock (_text)
            return _text.ToString(Math.Max(0, _text.Length - count), Math.Min(count, _text.Length));
    }

    private void Add(ReadOnlySpan<char> text)
    {
        lock (_text)
        {
            _text.Append(text);
            if (_text.Length > length)
                _text.Remove(0, _text.Length - length);
        }
    }
}
