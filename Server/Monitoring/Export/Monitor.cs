namespace ContentTree.Server.Monitoring.Export;

/// <summary>Something that monitoring is to look at on each device that runs a commit.</summary>
/// <param name="Name">What it is called beside its device.</param>
/// <param name="Command">A command that the monitoring site has defined.</param>
/// <param name="Arguments">What that command is given.</param>
/// <param name="Title">For people; empty for none.</param>
/// <param name="Minutes">Between two looks; null for as the site says.</param>
/// <param name="Retries">Looks in a row that fail before anybody is told; null for as the site says.</param>
internal sealed record Monitor(string Name, string Command, IReadOnlyList<string> Arguments, string Title = "", int? Minutes = null, int? Retries = null);
