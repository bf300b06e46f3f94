using ContentTree.Deploy.Commands;

namespace ContentTree.Deploy.Pages;

/// <summary>The part of the page by which a bundle comes in.</summary>
internal static class PageBundle
{
    public static Html Of(PageVisit visit, long fetched, PageDesk desk) => Html.Of($"""
        <section class="card" aria-labelledby="bundle"><h2 id="bundle">Update from a file</h2>
        {Step(visit, fetched, desk)}</section>
        """);

    private static Html Step(PageVisit visit, long fetched, PageDesk desk) => desk.Work switch
    {
        PageWork.Receiving coming => Going($"The bundle is coming in: {Sizes.Text(desk.Received)} of {Sizes.Text(coming.Bytes)}.", desk.Received, coming.Bytes),
        PageWork.Looking { WaitsFor: { } who } => Html.Join([
            Going($"The bundle is here and waits, for the device is at work: {who}. It is looked at as soon as that has ended.", 0, 0), Html.Of($"""<div class="buttons">{Discard(visit, "Discard")}</div>""")]),
        PageWork.Looking => Going("The bundle is here. Its signatures are verified and a plan is made.", 0, 0),
        PageWork.Clearing => Going("The bundle is being removed.", 0, 0),
        PageWork.Installing(var plan) => Going($"{PageViews.Title(plan)} is being installed: {fetched} of {plan.Objects} objects.", Math.Min(fetched, plan.Objects), plan.Objects),
        PageWork.Planned(var plan, var problem) => Planned(visit, plan, problem),
        _ => Choose(visit),
    };

    private static Html Choose(PageVisit visit) => Html.Of($"""
        <p>A bundle is what <code>ctree-server bundle</code> made. It is taken only if this device's keys have signed it and it is newer than what is here.</p>
        <form method="post" action="/upload" enctype="multipart/form-data">{PageViews.Token(visit)}<label for="file">Bundle (.ctb)</label>
        <input id="file" name="bundle" type="file" required><button>Upload</button></form>
        <p class="quiet">Nothing is installed before you have seen what it takes.</p>
        """);

    private static Html Planned(PageVisit visit, PlanDocument plan, string? problem) => plan.UpToDate
        ? Html.Of($"<p>{PageViews.Title(plan)} is on this device already.</p><div class=\"buttons\">{Discard(visit, "Done")}</div>")
        : Html.Of($"""
            {PageViews.Problem(problem)}<p>The bundle is signed for this device, and brings:</p>
            <dl>
            <dt>Commit</dt><dd><code>{plan.Commit.ToString()}</code></dd>
            {(plan.Version.Length > 0 ? Html.Of($"<dt>Version</dt><dd><bdi>{plan.Version}</bdi></dd>") : null)}
            {(plan.Branch is { } branch ? Html.Of($"<dt>Branch</dt><dd><bdi>{branch.ToString()}</bdi>, sequence {plan.Sequence}</dd>") : null)}
            <dt>Takes</dt><dd>{plan.Objects} objects, {Sizes.Text(plan.DiskBytes)} and {plan.Inodes} inodes on disk; {Sizes.Text(plan.FreeBytes)} and {plan.FreeInodes} are free{Kernel(plan)}</dd>
            <dt>Fits</dt><dd>{(plan.Fits ? "yes" : "no: 'ctree gc' removes old deployments")}</dd>
            <dt>Afterwards</dt><dd>{(plan.RebootNeeded ? "a restart starts it, when you say so" : "it runs at once")}</dd>
            </dl>
            <div class="buttons">{(plan.Fits ? PageViews.Button(visit, "/install", "Install", hidden: ("commit", plan.Commit.ToString())) : null)}{Discard(visit, "Discard")}</div>
            """);

    private static string Kernel(PlanDocument plan) => plan.BootBytes == 0 ? "" : $"; its kernel {Sizes.Text(plan.BootBytes)} in {plan.BootDirectory}";

    private static Html Discard(PageVisit visit, string label) => PageViews.Button(visit, "/discard", label, "quiet");

    private static Html Going(string text, long done, long all) => Html.Of($"""
        <p role="status">{text}</p>
        <progress aria-label="{text}" {(all > 0 ? Html.Of($"""max="{all}" value="{done}" """) : null)}></progress>
        <p class="quiet">This page loads itself again every two seconds.</p>
        """);
}
