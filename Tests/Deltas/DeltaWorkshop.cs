using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Application;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Local;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using ContentTree.Tests.Objects;
using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deltas;

/// <summary>A repository to publish directories in and a store to apply deltas to.</summary>
internal sealed class DeltaWorkshop : IDisposable
{
    private readonly TemporaryDirectory _directory = new();

    public DeltaWorkshop()
    {
        Repository = Repository.Create(_directory["repo"]);
        Store = LocalStore.Create(_directory["ctree/store"], isPrivileged: true);
    }

    public Repository Repository { get; }

    public LocalStore Store { get; }

    public string this[string relative] => _directory[relative];

    /// <summary>Publishes a directory below the workshop as a commit of its own.</summary>
    public ObjectId Publish(string relative)
    {
        using var writer = Repository.BeginWriting();
        var result = DirectoryImport.Run(_directory[relative], writer, new ImportOptions());
        writer.Complete();
        return Write(CommitSamples.Minimal with { Tree = result.Tree, Entries = result.Entries, Bytes = result.Bytes, Subject = relative });
    }

    /// <summary>Puts a commit into the repository, whatever it says.</summary>
    public ObjectId Write(Commit says)
    {
        var commit = says.Encode();
        using var writer = Repository.BeginWriting();
        using var encoder = new ContentTree.Store.Codecs.Lz4Encoder();
        writer.Write(new ObjectName(ObjectKind.Commit, ObjectId.Of(commit)), commit, encoder);
        writer.Complete();
        return ObjectId.Of(commit);
    }

    public byte[] MakeDelta(ObjectId? from, ObjectId to, DeltaOptions? options = null)
    {
        var output = new MemoryStream();
        new DeltaGeneration(Repository, options ?? new DeltaOptions(), new PartCache(_directory["cache"])).Write(from, to, output, CancellationToken.None);
        return output.ToArray();
    }

    /// <summary>Applies a whole delta, as a device would do with all of it at hand.</summary>
    public CompleteCommit Apply(byte[] delta)
    {
        using var pull = Store.BeginPull();
        using var application = Open(pull, delta);
        for (var part = 0; part < application.Header.Parts.Count; part++)
        {
            var coded = PartOf(delta, application.Header.Parts[part]);
            if (!application.IsIntact(part, coded))
                throw new CorruptDeltaException($"part {part} is damaged");
            application.Apply(part, coded);
        }
        return application.Complete();
    }

    public DeltaApplication Open(StorePull pull, byte[] delta)
    {
        var header = DeltaHeader.Decode(delta.AsSpan(0, DeltaHeader.LengthOf(delta)));
        if (header.FileLength != delta.Length)
            throw new CorruptDeltaException("another length than the header says");
        return DeltaApplication.Open(Store, pull, header, delta.AsSpan((int)header.Plan.Offset, (int)header.Plan.CodedLength));
    }

    public static MemoryStream PartOf(byte[] delta, DeltaPart part) => new(delta, (int)part.Offset, (int)part.CodedLength, writable: false);

    /// <summary>What a commit in the store looks like once it is deployed.</summary>
    public string Describe(CompleteCommit commit)
    {
        using var parent = ContentTree.Store.Posix.OpenDirectory(_directory.Path);
        var name = $"deployed-{Guid.NewGuid():N}";
        TreeCheckout.Run(Store, commit.Commit.Tree, parent, System.Text.Encoding.ASCII.GetBytes(name), CheckoutMode.Link);
        return AwkwardTree.Describe(_directory[name]);
    }

    public void Dispose()
    {
        Store.Dispose();
        Repository.Dispose();
        _directory.Dispose();
    }
}
