using System.Net.Sockets;

namespace ContentTree.Deploy.Agent;

/// <summary>
/// Tells systemd how the service is: one datagram to <c>$NOTIFY_SOCKET</c> each, nothing where nobody listens. Whether the message
/// arrives is never the agent's concern.
/// </summary>
internal sealed class ServiceNotifier : IDisposable
{
    private readonly Socket? _socket;
    private readonly UnixDomainSocketEndPoint? _address;

    /// <param name="address">A path, or a name in the abstract namespace with '@' before it; null or empty for none.</param>
    /// <param name="watchdog">How often systemd wants a sign of life at least; null for never.</param>
    public ServiceNotifier(string? address, TimeSpan? watchdog)
    {
        if (address is not ['/' or '@', _, ..])
            return;
        _address = new UnixDomainSocketEndPoint(address[0] == '@' ? "\0" + address[1..] : address);
        _socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        Watchdog = watchdog;
    }

    /// <summary>How often systemd wants a sign of life at least; null for never.</summary>
    public TimeSpan? Watchdog { get; }

    /// <summary>As systemd says it in the environment, which is then taken away: programs started later must not speak for the service.</summary>
    public static ServiceNotifier FromEnvironment()
    {
        var address = Take("NOTIFY_SOCKET");
        var process = Take("WATCHDOG_PID");
        var isOurs = process is null || process == $"{Environment.ProcessId}";
        TimeSpan? watchdog = long.TryParse(Take("WATCHDOG_USEC"), out var microseconds) && microseconds > 0 && isOurs
            ? TimeSpan.FromMicroseconds((double)microseconds)
            : null;
        return new ServiceNotifier(address, watchdog);
    }

    public void Ready() => Send("READY=1");

    public void Status(string text) => Send("STATUS=" + text.ReplaceLineEndings(" "));

    public void Alive() => Send("WATCHDOG=1");

    public void Stopping() => Send("STOPPING=1");

    public void Dispose() => _socket?.Dispose();

    private void Send(string message)
    {
        if (_socket is null || _address is null)
            return;
        try
        {
            _socket.SendTo(System.Text.Encoding.UTF8.GetBytes(message), _address);
        }
        catch (SocketException)
        {
            // The service manager is not there now.
        }
    }

    private static string? Take(string name)
    {
        var value = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, null);
        return value;
    }
}
