using System.Globalization;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace ContentTree.Tests.EndToEnd;

/// <summary>Runs commands inside a virtual machine, through the shell its tree keeps on the second serial line.</summary>
internal sealed partial class GuestShell : IDisposable
{
    private static int s_commands;

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public GuestShell(string path) => _socket.Connect(new UnixDomainSocketEndPoint(path));

    /// <summary>The exit code of a command, and what it wrote to its standard output and error.</summary>
    /// <exception cref="TimeoutException">It did not end in time.</exception>
    public (int ExitCode, string Output) Run(string command, TimeSpan patience)
    {
        var mark = $"-{Interlocked.Increment(ref s_commands)}:";
        // Quotes inside the marks: should the line echo the command, the echo is not taken for its answer.
        _socket.Send(Encoding.UTF8.GetBytes($"echo \"be\"gin{mark}; {{ {command}\n}} 2>&1 </dev/null; code=$?; echo; echo \"en\"d{mark}$code\n"));
        var said = ReadUntil("\nend" + mark, patience);
        var answer = Answer().Match(said);
        if (!answer.Success)
            throw new InvalidOperationException($"that is no answer of the shell:\n{said}");
        return (int.Parse(answer.Groups["code"].Value, CultureInfo.InvariantCulture), answer.Groups["output"].Value.TrimEnd('\n'));
    }

    public void Dispose() => _socket.Dispose();

    private string ReadUntil(string mark, TimeSpan patience)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        _socket.ReceiveTimeout = (int)patience.TotalMilliseconds;
        try
        {
            while (true)
            {
                var count = _socket.Receive(buffer);
                if (count == 0)
                    throw new InvalidOperationException($"the machine is off; its shell said:\n{text}");
                text.Append(Encoding.UTF8.GetString(buffer, 0, count).Replace("\r", "", StringComparison.Ordinal));
                var at = text.ToString().LastIndexOf(mark, StringComparison.Ordinal);
                if (at >= 0 && text.ToString().IndexOf('\n', at + mark.Length) >= 0)
                    return text.ToString();
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            throw new TimeoutException($"no answer within {patience}; the shell said:\n{text}");
        }
    }

    [GeneratedRegex(@"begin-\d+:\n(?<output>.*)\nend-\d+:(?<code>\d+)\n$", RegexOptions.Singleline)]
    private static partial Regex Answer();
}
