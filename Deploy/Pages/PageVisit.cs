namespace ContentTree.Deploy.Pages;

/// <summary>Who asks.</summary>
/// <param name="Session">The browser's session, perhaps one that begins now.</param>
/// <param name="IsIn">May see and do everything.</param>
/// <param name="Token">What its forms carry.</param>
/// <param name="AsksPassword">There is a password, so there is logging out too.</param>
internal sealed record PageVisit(PageSession Session, bool IsIn, string Token, bool AsksPassword);
