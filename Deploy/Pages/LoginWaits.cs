using System.Net;
using System.Net.Sockets;

namespace ContentTree.Deploy.Pages;

/// <summary>Who guesses waits, twice as long each time, and for the right password too. Counted by address.</summary>
internal sealed class LoginWaits(TimeProvider clock)
{
    // Remembered at a time: on a device's own network there are not more.
    private const int MaxAddresses = 256;
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(5);

    private readonly Dictionary<IPAddress, (int Failures, long Since)> _failed = [];
    private readonly Lock _lock = new();

    /// <summary>Counts an attempt before it is judged, in one step, so that several at once are not one.</summary>
    /// <returns>How long this address has to wait before it may try; zero for an attempt that counts.</returns>
    public TimeSpan Begin(IPAddress address)
    {
        lock (_lock)
        {
            var network = Network(address);
            if (_failed.TryGetValue(network, out var failed) && Wait(failed.Failures) - clock.GetElapsedTime(failed.Since) is var left && left > TimeSpan.Zero)
                return left;
            if (_failed.Count >= MaxAddresses && !_failed.ContainsKey(network))
                _failed.Remove(_failed.MinBy(failed => failed.Value.Since).Key);
            _failed[network] = (failed.Failures + 1, clock.GetTimestamp());
            return TimeSpan.Zero;
        }
    }

    public void Succeeded(IPAddress address)
    {
        lock (_lock)
            _failed.Remove(Network(address));
    }

    private static TimeSpan Wait(int failures) => TimeSpan.FromSeconds(Math.Min(Longest.TotalSeconds, Math.Pow(2, Math.Min(failures, 30) - 1)));

    // Of IPv6 a whole network is one machine's to choose from.
    private static IPAddress Network(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6
        ? new IPAddress([.. address.GetAddressBytes().AsSpan(0, 8), .. new byte[8]])
        : address;
}
