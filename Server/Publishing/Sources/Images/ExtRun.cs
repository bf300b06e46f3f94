namespace ContentTree.Server.Publishing.Sources.Images;

/// <summary>Blocks of a file that lie one behind the other in the image. What is between two runs is a hole.</summary>
/// <param name="Logical">The first one's place in the file.</param>
/// <param name="Physical">The first one's place in the image.</param>
internal readonly record struct ExtRun(long Logical, long Physical, long Count);
