using ContentTree.Store.Objects;

namespace ContentTree.Store.Deltas.Plans;

/// <summary>A content of the new commit that the old one has not got, as the publisher knows it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Size">Bytes, never 0.</param>
/// <param name="Directory">Path of the directory in which it occurs first, with a slash at the end.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Counterpart">The file of the same name in the old directory that this one is paired with.</param>
internal sealed record NewContent(ObjectId Id, long Size, string Directory, string Name, TreeEntry.File? Counterpart);
