using System.Net;
using ContentTree.Deploy.Agent;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Config;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Pages;

/// <summary>Which page or action a request is for, and whether it may have it.</summary>
internal sealed class PageRoutes(DeviceRoot root, PageAccess access, PageDesk desk, TimeProvider clock, ILogger log)
{
    private const int MaxForm = 4096;
    private static readonly TimeSpan FormTime = TimeSpan.FromSeconds(30);
    private static readonly string[] Pages = ["/", "/login", "/rollback", "/restart"];
    private static readonly string[] Actions = ["/login", "/logout", "/upload", "/install", "/discard", "/confirm", "/rollback", "/restart"];

    public async Task<PageAnswer> AnswerAsync(PageRequest request, RequestBody body, CancellationToken cancellation)
    {
        if (!access.IsOurs(request))
            return PageAnswer.Text(HttpStatusCode.MisdirectedRequest, "this device is not asked by that name: open its page by its address, or let it know the name (page.hosts)");
        if (request is { Method: "GET", Path: "/page.css" })
            return PageAnswer.Style(PageSheet.Bytes);
        if (request is { Method: "GET", Path: "/favicon.ico" })
            return PageAnswer.Empty();
        if (access.IsShut)
            return PageAnswer.Text(HttpStatusCode.Forbidden, "nobody has set a password for this page: 'ctree page password -' does");
        var visit = access.Visit(request);
        return (request.Method, request.Path) switch
        {
            ("GET", var path) when Pages.Contains(path) => Show(path, visit),
            ("POST", "/upload") => await UploadAsync(request, body, visit, cancellation).ConfigureAwait(false),
            ("POST", var path) when Actions.Contains(path) => await ActAsync(request, body, visit, cancellation).ConfigureAwait(false),
            (_, var path) when Pages.Contains(path) || Actions.Contains(path) => PageAnswer.Text(HttpStatusCode.MethodNotAllowed, "not that way", $"Allow: {(Pages.Contains(path) ? "GET, " : "")}POST\r\n"),
            _ => PageAnswer.Text(HttpStatusCode.NotFound, "there is no such page"),
        };
    }

    private PageAnswer Show(string path, PageVisit visit)
    {
        if (!visit.IsIn)
            return path == "/login" ? Page(PageViews.Login(visit, Name(), null), visit) : PageAnswer.Go("/login").With(access.CookieOf(visit));
        if (path == "/login")
            return PageAnswer.Go("/");
        // Before the device is looked at: what a notice says has come about then.
        var notice = desk.Notice;
        using var device = Device.Open(root, AgentConfig.Load(root), clock);
        var status = StatusCommand.Describe(device);
        return Page(path switch
        {
            "/rollback" => PageViews.AskRollback(visit, device.Config.Name, status),
            "/restart" => PageViews.AskRestart(visit, device.Config.Name, status),
            _ => PageViews.Home(visit, device, status, desk, notice),
        }, visit);
    }

    private async Task<PageAnswer> ActAsync(PageRequest request, RequestBody body, PageVisit visit, CancellationToken cancellation)
    {
        if (await ReadFormAsync(body, cancellation).ConfigureAwait(false) is not { } form)
            return Refuse(new PageRefusal(HttpStatusCode.RequestEntityTooLarge, "This form is longer than any of this page."), visit);
        if (!access.IsOwnForm(request, visit, form.GetValueOrDefault("token")))
            return Refuse(NotOurs, visit);
        if (request.Path == "/login")
            return await LogInAsync(request, visit, form.GetValueOrDefault("password", ""), cancellation).ConfigureAwait(false);
        if (!visit.IsIn)
            return PageAnswer.Go("/login");
        if (request.Path == "/logout")
            return PageAnswer.Go("/login").With(access.CookieOf(access.LogOut()));
        Log.PageAsked(log, request.Path[1..], request.Remote);
        var refusal = request.Path switch
        {
            "/install" => desk.Install(form.GetValueOrDefault("commit", "")),
            "/discard" => desk.Discard(),
            "/confirm" => await desk.ConfirmAsync(cancellation).ConfigureAwait(false),
            "/rollback" => await desk.RollBackAsync(cancellation).ConfigureAwait(false),
            _ => desk.Restart(),
        };
        return refusal is null ? PageAnswer.Go("/") : Refuse(refusal, visit);
    }

    private async Task<PageAnswer> LogInAsync(PageRequest request, PageVisit visit, string password, CancellationToken cancellation)
    {
        if (access.BeginLogIn(request) is var wait && wait > TimeSpan.Zero)
            return PageAnswer.Later(PageViews.Login(visit, Name(), $"Too many attempts. The next one counts in {Math.Ceiling(wait.TotalSeconds):0} s."), wait).With(access.CookieOf(visit));
        if (await access.LogInAsync(request, password, cancellation).ConfigureAwait(false) is { } known)
            return PageAnswer.Go("/").With(access.CookieOf(known));
        Log.PageAsked(log, "login with a wrong password", request.Remote);
        return Page(PageViews.Login(visit, Name(), "This is not the password."), visit, HttpStatusCode.Forbidden);
    }

    private async Task<PageAnswer> UploadAsync(PageRequest request, RequestBody body, PageVisit visit, CancellationToken cancellation)
    {
        if (!visit.IsIn)
            return Refuse(NotOurs, visit);
        if (request.Length < 0)
            return Refuse(new PageRefusal(HttpStatusCode.LengthRequired, "The browser does not say how long the file is."), visit);
        if (desk.RefusalOf(request.Length) is { } refusal)
            return Refuse(refusal, visit);
        if (UploadForm.TryOpen(request, body) is not { } form)
            return Refuse(new PageRefusal(HttpStatusCode.BadRequest, "This is no form with a file."), visit);
        using (var limit = Limit(cancellation))
        {
            if (!access.IsOwnForm(request, visit, await form.ReadTokenAsync(limit.Token).ConfigureAwait(false)))
                return Refuse(NotOurs, visit);
            if (!await form.ReadFileHeadAsync(limit.Token).ConfigureAwait(false))
                return Refuse(new PageRefusal(HttpStatusCode.BadRequest, "There was no file in the form: choose a bundle first."), visit);
        }
        Log.PageAsked(log, "upload", request.Remote);
        return await desk.ReceiveAsync(form, cancellation).ConfigureAwait(false) is { } busy ? Refuse(busy, visit) : PageAnswer.Go("/");
    }

    private static PageRefusal NotOurs => new(HttpStatusCode.Forbidden, "This form was not made by this page, or it is too old. Open the page anew.");

    private static async Task<Dictionary<string, string>?> ReadFormAsync(RequestBody body, CancellationToken cancellation)
    {
        using var limit = Limit(cancellation);
        return await body.ReadAllAsync(MaxForm, limit.Token).ConfigureAwait(false) is { } bytes ? PageRequest.Fields(bytes) : null;
    }

    private static CancellationTokenSource Limit(CancellationToken cancellation)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(FormTime);
        return limit;
    }

    private string Name() => AgentConfig.Load(root).Name;

    private PageAnswer Page(Html page, PageVisit visit, HttpStatusCode status = HttpStatusCode.OK) => PageAnswer.Page(page, status).With(access.CookieOf(visit));

    private PageAnswer Refuse(PageRefusal refusal, PageVisit visit) => Page(PageViews.Refused(visit, Name(), refusal.Reason), visit, refusal.Status);
}
