namespace ContentTree.Deploy.Pages;

/// <summary>What the last action came to, for whoever looks next.</summary>
internal sealed record PageNotice(bool IsGood, string Text);
