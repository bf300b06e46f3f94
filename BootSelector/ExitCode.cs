namespace ContentTree.BootSelector;

/// <summary>The selector's part of the exit codes that all programs share.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int Rescue = 20;
}
