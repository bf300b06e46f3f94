using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources;

/// <summary>Something that can be published: it becomes objects, and says where they came from.</summary>
internal interface ISource
{
    /// <summary>A file name that is the source's own, whatever characters its place has: what is kept between publishes goes by it.</summary>
    string Key { get; }

    /// <summary>Reads all of it. What the writer took is durable afterwards.</summary>
    /// <param name="cache">A directory for what makes the next import of the same source cheaper.</param>
    /// <exception cref="UnsupportedSourceException">Something there cannot be in a tree; the message names it.</exception>
    (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation);

    /// <summary>What was imported is published, or proposed, and all of it is in the repository.</summary>
    /// <param name="tree">What it became.</param>
    void Published(ObjectId tree, Repository repository, SafeFileHandle cache)
    {
    }
}
