using System.Text;
using ContentTree.Store.Objects;
using ContentTree.Store.Repositories;
using ContentTree.Store.Trees;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>An image of an ext2, ext3 or ext4 filesystem.</summary>
internal sealed class ExtSource(PublishOptions options) : ISource
{
    public string Key => ObjectId.Of(Encoding.UTF8.GetBytes(Path.GetFullPath(options.Source))).ToString()[..32];

    public (ImportResult Import, Provenance Provenance) Import(ObjectWriter writer, SafeFileHandle cache, CancellationToken cancellation)
    {
        try
        {
            using var image = new ExtImage(options.Source);
            using var assembly = new TreeAssembly(writer, options.Owner, ExtTreeReader.ReadRules(image));
            new ExtTreeReader(image, assembly, cancellation).Add();
            var import = assembly.Complete();
            writer.Complete();
            return (import, new Provenance(new CommitSource(CommitSourceKind.Image, Path.GetFileName(options.Source))));
        }
        catch (FormatException e)
        {
            throw new UnsupportedSourceException(options.Source, e.Message);
        }
    }
}
