using System.Globalization;
using ContentTree.BootFile;
using ContentTree.Deploy.Commands;

namespace ContentTree.Deploy.Pages;

/// <summary>The pages as markup. They need no script: forms act, and a page on which something goes on loads itself again.</summary>
internal static class PageViews
{
    private const int RefreshSeconds = 2;

    public static Html Login(PageVisit visit, string name, string? problem) => Frame(name, "Log in", null, Html.Of($"""
        <h1>{name}</h1>
        {Problem(problem)}<form method="post" action="/login" class="card">
        {Token(visit)}<label for="password">Password of this device's page</label>
        <input id="password" name="password" type="password" autocomplete="current-password" required maxlength="{PagePassword.MaxLength}">
        <button>Log in</button>
        </form>
        """));

    public static Html Refused(PageVisit visit, string name, string reason) => Frame(name, "Not done", visit, Html.Of($"""
        <h1>Not done</h1>
        {Problem(reason)}<p><a class="button quiet" href="/">Back</a></p>
        """));

    public static Html AskRollback(PageVisit visit, string name, StatusDocument status) => status.Previous is null
        ? Refused(visit, name, "There is no confirmed deployment to go back to.")
        : Ask(visit, name, "/rollback", "Roll back", Html.Of($"""
            <p>This device leaves {Named(status, status.Wanted)} and goes back to {Named(status, status.Previous)}. What it leaves is not taken again until its branch has another commit. Data in <code>/var</code> stays as it is.</p>
            """));

    public static Html AskRestart(PageVisit visit, string name, StatusDocument status) => status.RebootNeeded
        ? Ask(visit, name, "/restart", "Restart", Html.Of($"<p>This device stops what it does and starts {Named(status, status.Wanted)}. If that does not come up well, it goes back to what runs now by itself.</p>"))
        : Refused(visit, name, "What is to run runs already: no restart is needed.");

    public static Html Home(PageVisit visit, Device device, StatusDocument status, PageDesk desk, PageNotice? notice) => Frame(device.Config.Name, "Status", visit, Html.Of($"""
        <h1>{device.Config.Name}</h1>
        {Notice(notice)}{InOrder(PageStatus.Of(visit, status, device.Store.FreeSpace().Bytes), PageBundle.Of(visit, device.State.Fetching.TryRead()?.Objects ?? 0, desk), desk)}
        {GoingBack(status)}
        """), desk.Work.IsBusy ? RefreshSeconds : null);

    /// <summary>The hidden field without which a form does nothing.</summary>
    public static Html Token(PageVisit visit) => Html.Of($"""<input type="hidden" name="token" value="{visit.Token}">""");

    /// <summary>A form that is one button.</summary>
    /// <param name="hidden">What the form says besides.</param>
    public static Html Button(PageVisit visit, string action, string label, string look = "", (string Name, string Value)? hidden = null) =>
        Html.Of($"""<form method="post" action="{action}">{Token(visit)}{(hidden is { } said ? Html.Of($"""<input type="hidden" name="{said.Name}" value="{said.Value}">""") : null)}<button class="{look}">{label}</button></form>""");

    /// <summary>A deployment, and which version it is.</summary>
    public static Html Named(StatusDocument status, DeploymentName? name)
    {
        if (name is not { } present)
            return Html.Of($"none");
        var found = status.Deployments.FirstOrDefault(d => d.Name == present);
        return Html.Of($"""<code>{present.ToString()}</code>{(found is { Version.Length: > 0 } ? Html.Of($", version <bdi>{found.Version}</bdi>") : null)}""");
    }

    /// <summary>What a plan brings, in two words.</summary>
    public static string Title(PlanDocument plan) => plan.Version.Length > 0 ? $"Version {plan.Version}" : $"Commit {plan.Commit.ToString()[..8]}";

    public static Html Problem(string? text) => text is null ? Html.None : Html.Of($"""
        <p class="notice bad" role="alert">{text}</p>
        """);

    private static Html Notice(PageNotice? notice) => notice switch
    {
        null => Html.None,
        { IsGood: false } => Problem(notice.Text),
        _ => Html.Of($"""
            <p class="notice good" role="status">{notice.Text}</p>
            """),
    };

    // What waits for an answer stands where a phone shows it first.
    private static Html InOrder(Html status, Html bundle, PageDesk desk) => desk.Work is PageWork.None ? Html.Join([status, bundle]) : Html.Join([bundle, status]);

    private static Html GoingBack(StatusDocument status) => status.Previous is null ? Html.None : Html.Of($"""
        <section class="card" aria-labelledby="back"><h2 id="back">Going back</h2>
        <p>The last good deployment before this one is {Named(status, status.Previous)}.</p>
        <p><a class="button quiet" href="/rollback">Roll back…</a></p></section>
        """);

    private static Html Ask(PageVisit visit, string name, string action, string verb, Html what) => Frame(name, verb, visit, Html.Of($"""
        <h1>{verb}?</h1>
        <div class="card">{what}
        <div class="buttons">{Button(visit, action, verb, "danger")}<a class="button quiet" href="/">Cancel</a></div></div>
        """));

    private static Html Frame(string name, string title, PageVisit? visit, Html main, int? refresh = null) => Html.Of($"""
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
        <title>{title} - {name}</title><link rel="stylesheet" href="/page.css">{(refresh is { } seconds ? Html.Of($"""<meta http-equiv="refresh" content="{seconds.ToString(CultureInfo.InvariantCulture)}">""") : null)}</head>
        <body><header><a href="/">ContentTree</a><span>this device</span>{(visit is { IsIn: true, AsksPassword: true } ? Button(visit, "/logout", "Log out", "plain") : null)}</header>
        <main>
        {main}
        </main></body></html>
        """);
}
