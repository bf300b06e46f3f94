using System.Net;

namespace ContentTree.Deploy.Pages;

/// <summary>Why something is not done, in a sentence.</summary>
internal sealed record PageRefusal(HttpStatusCode Status, string Reason);
