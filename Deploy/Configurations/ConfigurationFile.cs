namespace ContentTree.Deploy.Configurations;

/// <summary>One file and who may read it.</summary>
internal sealed record ConfigurationFile(byte[] Content, int Permissions);
