using ContentTree.Deploy.Commands;

namespace ContentTree.Deploy.Pages;

/// <summary>The part of the page that says how the device stands.</summary>
internal static class PageStatus
{
    public static Html Of(PageVisit visit, StatusDocument status, long free) => Html.Of($"""
        <section class="card" aria-labelledby="now"><h2 id="now">Now</h2>
        <dl>
        {Row("Runs", PageViews.Named(status, status.Booted))}
        {Row("To run", Html.Of($"{PageViews.Named(status, status.Wanted)}{Word(status)}"))}
        {Row("Follows", Html.Of($"branch <bdi>{status.Branch.ToString()}</bdi>{(status.Pinned is null ? null : Html.Of($", pinned to <code>{status.Pinned.ToString()}</code>"))}"))}
        {Row("Server", Html.Of($"{status.Server ?? "none"}{(status.Enrolment is { } word ? Html.Of($" ({word})") : null)}"))}
        {(status.Held ? Row("Held", Html.Of($"{(status.HeldUntil is { } until ? $"until {until:u}" : "until 'ctree release'")}")) : null)}
        {(status.Stopped is { } why ? Row("Stopped", Html.Of($"{why}")) : null)}
        {Row("Free", Html.Of($"{Sizes.Text(free)}"))}
        {(status.LastResult is { } last ? Row("Last", Html.Of($"<bdi>{last.Message}</bdi> <span class=\"quiet\">{last.Verb}, {$"{last.Time:u}"}</span>")) : null)}
        </dl>
        {Trial(visit, status)}{Restart(status)}</section>
        """);

    private static Html Row(string label, Html value) => Html.Of($"<dt>{label}</dt><dd>{value}</dd>");

    private static Html Word(StatusDocument status) => status switch
    {
        { State: "trial" } => Html.Of($" <b class=\"word moving\">on trial, {status.TriesLeft} tries left</b>"),
        { State: "fallback" } => Html.Of($" <b class=\"word bad\">fell back</b>"),
        { State: "good" } => Html.Of($" <b class=\"word good\">good</b>"),
        _ => Html.None,
    };

    private static Html Trial(PageVisit visit, StatusDocument status) => status.State != "trial" || status.Booted != status.Wanted ? Html.None : Html.Of($"""
        <p>What runs is on trial. It becomes good by itself when its health checks pass; whoever sees that it works may say so.</p>
        {PageViews.Button(visit, "/confirm", "Confirm: it works")}
        """);

    private static Html Restart(StatusDocument status) => !status.RebootNeeded ? Html.None : Html.Of($"""
        <p>{PageViews.Named(status, status.Wanted)} starts with the next restart.</p>
        <p><a class="button" href="/restart">Restart…</a></p>
        """);
}
