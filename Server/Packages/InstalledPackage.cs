namespace ContentTree.Server.Packages;

/// <summary>A package that a tree's own package database says is installed.</summary>
/// <param name="Kind">Of the package URL: deb, opkg, apk or rpm.</param>
/// <param name="Version">As the database spells it, with epoch and release.</param>
internal sealed record InstalledPackage(string Kind, string Name, string Version, string Architecture)
{
    /// <summary>The package URL, by which vulnerability databases know it.</summary>
    public string Url => $"pkg:{Kind}/{Uri.EscapeDataString(Name)}@{Uri.EscapeDataString(Version)}" +
        (Architecture.Length > 0 ? $"?arch={Uri.EscapeDataString(Architecture)}" : "");
}
