using ContentTree.BootFile;

namespace ContentTree.Deploy.Loaders;

/// <summary>A boot loader as the device's configuration names it: which kernel it starts next, and how it gives up on one.</summary>
internal interface ILoader
{
    /// <summary>Looks whether everything is there that <see cref="Start"/> will need.</summary>
    /// <exception cref="StoppedException">The loader does not answer: nothing has been changed yet.</exception>
    void RequireAnswer();

    /// <summary>Makes an entry known. It is durable afterwards, and nothing starts it yet.</summary>
    void Add(BootEntry entry);

    /// <summary>Makes a kernel the one to start, durably, and reads that back.</summary>
    /// <param name="assets">The kernel.</param>
    /// <param name="fallback">What the loader starts when that one does not come up in <paramref name="tries"/> boots; null: it is proven.</param>
    /// <param name="tries">Boots that the loader counts, where it can count.</param>
    void Start(string assets, string? fallback, int tries);

    /// <summary>What the selector writes to point back at a proven kernel.</summary>
    LoaderPointer Pointer(string assets);

    /// <summary>Forgets an entry.</summary>
    void Remove(string assets);
}
