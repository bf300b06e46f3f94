using System.Runtime.ExceptionServices;
using ContentTree.Store.Objects;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Store.Local;

/// <summary>How regular files come out of the store.</summary>
public enum CheckoutMode
{
    /// <summary>Hard links to the store's inodes. Nobody may write to them.</summary>
    Link,

    /// <summary>Copies, for what the device changes: /etc, /var.</summary>
    Copy,
}

/// <summary>
/// Builds a directory from a tree of the store. Every call is relative to an open directory, so that nothing in the tree
/// leads outside the target. Nothing is synced here: the caller syncs once for the whole deployment. Several threads take
/// directories from one stack, since linking is nearly all waiting for one kernel call after the other.
/// </summary>
public sealed class TreeCheckout
{
    private const int MaxHands = 4;

    // With fewer directories waiting, another thread costs more than it saves.
    private const int WorthHelp = 32;

    private readonly LocalStore _store;
    private readonly CheckoutMode _mode;
    private readonly Lock _replacing = new();
    private readonly List<CheckoutHand> _hands = [];
    private readonly List<Thread> _helpers = [];

    // The newest first: then the open directories are those above each other, and not a whole level of the tree.
    private readonly Stack<PlannedDirectory> _planned = new();
    private int _unfinished;
    private Exception? _failure;

    private TreeCheckout(LocalStore store, CheckoutMode mode) => (_store, _mode) = (store, mode);

    /// <summary>Files linked or copied.</summary>
    public long Files => _hands.Sum(hand => hand.Files);

    /// <summary>Inodes that were copied because the filesystem allows no more links to the first one.</summary>
    public long ExtraInodes => _hands.Sum(hand => hand.ExtraInodes);

    /// <summary>Stored inodes whose metadata had changed and that were made anew.</summary>
    public long Mended => _hands.Sum(hand => hand.Mended);

    /// <summary>Makes the directory <paramref name="name"/>, which must not exist, with everything that the tree holds.</summary>
    /// <exception cref="Repositories.ObjectNotFoundException">The store lacks a tree or file.</exception>
    /// <exception cref="CorruptObjectException">The store's content is damaged.</exception>
    public static TreeCheckout Run(LocalStore store, ObjectId tree, SafeFileHandle parent, ReadOnlySpan<byte> name, CheckoutMode mode)
    {
        var checkout = new TreeCheckout(store, mode);
        // Nobody else looks into it before its last step: below it modes are provisional, and may be wider than the tree's.
        Posix.MakeDirectoryAt(parent, name, 0x1c0);
        checkout.Plan([new PlannedDirectory(null, parent, new TreeEntry.Directory(EntryName.Create(name), tree), 0)]);
        checkout.Run();
        return checkout;
    }

    /// <summary>Makes one entry of a tree, with everything below it, in an open directory that does not have its name yet.</summary>
    public static void RunOne(LocalStore store, TreeEntry entry, SafeFileHandle directory)
    {
        if (entry is TreeEntry.Directory child)
            Run(store, child.Id, directory, child.Name.Bytes, CheckoutMode.Link);
        else
            new CheckoutHand(store, CheckoutMode.Link, new Lock()).Make(directory, entry);
    }

    /// <summary>Removes a directory and everything in it, following nothing. A missing one is fine.</summary>
    public static void Remove(SafeFileHandle parent, ReadOnlySpan<byte> name)
    {
        switch (Posix.StatAt(parent, name)?.Type)
        {
            case null:
                return;
            case FileType.Directory:
                using (var directory = Posix.OpenDirectoryAt(parent, name))
                {
                    foreach (var (child, _) in Posix.ReadDirectory(directory, Posix.Display(name)))
                        Remove(directory, child);
                }
                Posix.RemoveDirectoryAt(parent, name);
                return;
            default:
                Posix.UnlinkAt(parent, name);
                return;
        }
    }

    private void Run()
    {
        Work(NewHand());
        foreach (var helper in _helpers)
            helper.Join();
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
    }

    private CheckoutHand NewHand()
    {
        var hand = new CheckoutHand(_store, _mode, _replacing);
        _hands.Add(hand);
        return hand;
    }

    private void Work(CheckoutHand hand)
    {
        while (TakePlanned() is { } directory)
        {
            try
            {
                Make(directory, hand);
            }
            catch (Exception e)
            {
                Interlocked.CompareExchange(ref _failure, e, null);
            }
            lock (_planned)
            {
                if (--_unfinished == 0 || _failure is not null)
                    Monitor.PulseAll(_planned);
            }
        }
    }

    private PlannedDirectory? TakePlanned()
    {
        lock (_planned)
        {
            while (_failure is null && _unfinished > 0)
            {
                if (_planned.TryPop(out var directory))
                    return directory;
                Monitor.Wait(_planned);
            }
            return null;
        }
    }

    private void Plan(IReadOnlyList<PlannedDirectory> directories)
    {
        lock (_planned)
        {
            foreach (var directory in directories)
                _planned.Push(directory);
            _unfinished += directories.Count;
            Monitor.PulseAll(_planned);
            if (_failure is null && _planned.Count >= WorthHelp && _hands.Count < Math.Min(MaxHands, Environment.ProcessorCount))
                _helpers.Add(StartHelper(NewHand()));
        }
    }

    private Thread StartHelper(CheckoutHand hand)
    {
        var thread = new Thread(() => Work(hand)) { IsBackground = true, Name = "checkout" };
        thread.Start();
        return thread;
    }

    private void Make(PlannedDirectory planned, CheckoutHand hand)
    {
        var (name, id) = (planned.Entry.Name, planned.Entry.Id);
        if (planned.Depth > Tree.MaxDepth)
            throw new CorruptObjectException(new ObjectName(ObjectKind.Tree, id), "is nested too deep");
        var tree = _store.ReadTree(id);
        var children = tree.Entries.OfType<TreeEntry.Directory>().ToArray();
        var open = new OpenDirectory(planned.Parent, Posix.OpenDirectoryAt(planned.Handle, name.Bytes), name, tree.Metadata, children.Length);
        foreach (var entry in tree.Entries)
        {
            if (entry is not TreeEntry.Directory)
                hand.Make(open.Handle, entry);
        }
        // All by one thread: two that make directories in one directory wait for each other. Most have the mode of the one above.
        foreach (var child in children)
            Posix.MakeDirectoryAt(open.Handle, child.Name.Bytes, _store.Inodes.InitialMode(tree.Metadata, isDirectory: true));
        Plan([.. Enumerable.Reverse(children).Select(child => new PlannedDirectory(open, open.Handle, child, planned.Depth + 1))]);
        for (var done = open; done?.IsLastStep() == true; done = done.Parent)
            done.Close(_store.Inodes);
    }

    private sealed record PlannedDirectory(OpenDirectory? Parent, SafeFileHandle Handle, TreeEntry.Directory Entry, int Depth);

    private sealed class OpenDirectory(OpenDirectory? parent, SafeFileHandle handle, EntryName name, Metadata metadata, int children)
    {
        private int _missing = children + 1;

        public OpenDirectory? Parent { get; } = parent;

        public SafeFileHandle Handle { get; } = handle;

        /// <summary>One step of its own and one for each directory in it; true for the last.</summary>
        public bool IsLastStep() => Interlocked.Decrement(ref _missing) == 0;

        // Last, because adding entries changes the time and a read-only directory takes no entries.
        public void Close(InodeMetadata inodes)
        {
            inodes.Apply(Handle, metadata, isDirectory: true, Posix.Display(name.Bytes));
            Handle.Dispose();
        }
    }
}
