namespace ContentTree.Deploy.Pages;

/// <summary>A browser that the page knows again.</summary>
/// <param name="Id">Its random name.</param>
/// <param name="Begun">Seconds since the agent's start.</param>
/// <param name="IsIn">It has given the password.</param>
internal sealed record PageSession(string Id, long Begun, bool IsIn);
