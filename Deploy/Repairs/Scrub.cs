using ContentTree.Deploy.State;
using ContentTree.Store.Local;
using ContentTree.Store.Repositories;

namespace ContentTree.Deploy.Repairs;

/// <summary>
/// Reads the store through little by little, a 256th at a time, so that what goes bad at rest is found before it is needed. A file that
/// is damaged leaves the store at once: no further deployment links it.
/// </summary>
internal sealed class Scrub(Device device)
{
    private const int Slices = 256;

    // A device that was off does not read its whole store when it comes back.
    private const int MostAtOnce = 8;

    /// <summary>Slices that are due by now.</summary>
    public int Due
    {
        get
        {
            var interval = device.Config.ScrubPeriod / Slices;
            if (interval <= TimeSpan.Zero)
                return 0;
            var passed = device.Clock.GetUtcNow() - device.State.Scrub.Time;
            // A clock that was set back would otherwise keep it waiting for years.
            return passed < TimeSpan.Zero ? 1 : (int)Math.Min(MostAtOnce, passed / interval);
        }
    }

    /// <summary>Reads what is due, remembers it, and tells the server of damage.</summary>
    /// <returns>Damage that is not mended, of this time or an earlier one.</returns>
    public IReadOnlyList<Damage> Run(CancellationToken cancellation)
    {
        var state = device.State.Scrub;
        var found = new List<Damage>();
        for (var due = Due; due > 0; due--)
        {
            found.AddRange(Quietly(() => LocalStoreCheck.RunSlice(device.Store, (byte)state.Next, cancellation)));
            state = state with { Next = (state.Next + 1) % Slices, Passes = state.Passes + (state.Next + 1 == Slices ? 1 : 0), Time = device.Clock.GetUtcNow() };
        }
        if (state == device.State.Scrub)
            return [.. (state.Damaged ?? []).Select(what => new Damage(what, "was found damaged"))];
        // Told and noted before it leaves the store: cut off in between, it is known to be missing.
        if (found.Count > 0)
            DamageReport.Tell(device, "stored objects", found);
        device.State.Scrub = state with { Damaged = [.. (state.Damaged ?? []).Union(found.Select(d => d.What))] };
        foreach (var damage in found)
            LocalStoreCheck.Quarantine(device.Store, damage.What);
        return [.. (device.State.Scrub.Damaged ?? []).Select(what => new Damage(what, "was found damaged"))];
    }

    /// <summary>What was found damaged has been mended, or is needed by nothing.</summary>
    public void Mended()
    {
        if (device.State.Scrub is { Damaged: not null } state)
            device.State.Scrub = state with { Damaged = null };
    }

    // A thread of its own: who is not root cannot take a lower priority back.
    private static IReadOnlyList<Damage> Quietly(Func<IReadOnlyList<Damage>> read)
    {
        IReadOnlyList<Damage> damage = [];
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Store.Posix.LowerThreadPriority();
                damage = read();
            }
            catch (Exception e)
            {
                failure = e;
            }
        })
        {
            IsBackground = true,
            Name = "scrub",
        };
        thread.Start();
        thread.Join();
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return damage;
    }
}
