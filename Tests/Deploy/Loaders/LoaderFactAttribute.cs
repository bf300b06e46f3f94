using ContentTree.Tests.Support;

namespace ContentTree.Tests.Deploy.Loaders;

/// <summary>A test that a boot loader's own program judges.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class LoaderFactAttribute : FactAttribute
{
    /// <param name="package">The Debian package that has the programs.</param>
    public LoaderFactAttribute(string package, params string[] programs) => Skip = Need.Skip(Need.Programs(package, programs));
}
