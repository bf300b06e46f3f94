using ContentTree.Store;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Deploy.Repairs;

/// <summary>Tells the server, with the next poll, what was found damaged. The same again is no news.</summary>
internal static class DamageReport
{
    private const int Named = 3;

    /// <param name="device">The device, locked.</param>
    /// <param name="what">What sort of places, for people.</param>
    /// <param name="damage">One at least.</param>
    public static void Tell(Device device, string what, IReadOnlyList<Damage> damage)
    {
        try
        {
            device.State.Happened(EventKind.Damaged, null, null, ExitCode.VerificationFailed,
                $"{damage.Count} {what}: {string.Join("; ", damage.Take(Named).Select(d => $"{d.What} {d.Reason}"))}");
        }
        catch (PosixException e) when (e.IsOutOfSpace)
        {
            // Whoever called it sees the damage all the same.
        }
    }
}
