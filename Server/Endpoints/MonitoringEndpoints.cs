using System.Diagnostics;
using System.Reflection;
using ContentTree.Server.Backups;
using ContentTree.Server.Monitoring;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Endpoints;

/// <summary>For monitoring: is the process there, can it work, and the numbers.</summary>
internal sealed class MonitoringEndpoints(DataDirectory data, Database database, TokenAccess access, RequestMetrics requests, ServerOptions options, TimeProvider time, ILogger log)
{
    // A device polls a little later than told, and once more after a poll that failed.
    private const int LatePolls = 3;

    private readonly Readiness _readiness = new(data, database);
    private readonly FleetMetrics _fleet = new(database, time);
    private readonly DateTimeOffset _begin = time.GetUtcNow();
    private string _wrong = "";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet("/healthz", context => TextAsync(context, "ok\n"));
        routes.MapGet("/readyz", ReadyAsync);
        routes.MapGet("/metrics", MeasureAsync);
    }

    private Task ReadyAsync(HttpContext context)
    {
        var wrong = _readiness.Look().ToArray();
        var told = string.Join("; ", wrong.Select(w => $"{w.What}: {w.Why}"));
        if (Interlocked.Exchange(ref _wrong, told) != told && wrong.Length > 0)
            Log.NotReady(log, told);
        // Who may ask without a token hears what is wrong, and not where.
        return wrong.Length == 0 ? TextAsync(context, "ready\n")
            : throw new ProblemException(ProblemCode.Unavailable, $"not ready: {string.Join(", ", wrong.Select(w => w.What))}", retryAfter: TimeSpan.FromSeconds(10));
    }

    private Task MeasureAsync(HttpContext context)
    {
        if (!ServerSettings.Load(data.Path).HasPublicMetrics)
            access.Require(context, TokenRole.Viewer);
        return TextAsync(context, Measure().ToString(), MetricsText.MediaType);
    }

    private MetricsText Measure()
    {
        var text = new MetricsText();
        text.Gauge("ctree_build_info", "The program.", (MetricsText.Label("version", typeof(MonitoringEndpoints).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? ""), 1));
        AddRequests(text);
        AddFleet(text);
        AddBackup(text);
        AddProcess(text);
        return text;
    }

    private void AddRequests(MetricsText text)
    {
        text.Counter("ctree_http_requests_total", "Requests by route, method and status, since the process began.",
                requests.Requests.Select(r => ($"{MetricsText.Label("route", r.Key.Route)},{MetricsText.Label("method", r.Key.Method)},{MetricsText.Label("code", $"{r.Key.Code}")}", (double)r.Value)))
            .Histogram("ctree_http_request_duration_seconds", "How long requests took; downloads as long as the line let them.", RequestMetrics.Buckets, requests.Durations, requests.Seconds)
            .Counter("ctree_sent_bytes_total", "Bytes of bodies that were sent, by kind.", requests.Bytes.Select(b => (MetricsText.Label("kind", b.Key), (double)b.Value)))
            .Counter("ctree_delta_saved_bytes_total", "A guess at what deltas saved: the size of the content that they make, less what was sent of them.", ("", requests.Saved))
            .Counter("ctree_deltas_wanted_total", "How often a device began to fetch a delta, and how often it wanted one that was not there.",
                [(MetricsText.Label("found", "true"), requests.Found), (MetricsText.Label("found", "false"), requests.Missed)])
            .Counter("ctree_polls_total", "Polls that were answered.", ("", requests.Succeeded(Routes.Poll)))
            .Counter("ctree_enrolments_total", "Requests to enrol that were answered.", ("", requests.Succeeded(Routes.Enrol)))
            .Counter("ctree_publishes_total", "Moves of branches over HTTP.", ("", requests.Succeeded(Routes.PublishHeads)));
    }

    private void AddFleet(MetricsText text)
    {
        var follows = _fleet.Follows();
        var (silent, low, cloned, forked) = _fleet.Troubled();
        text.Gauge("ctree_devices", "Devices by what was decided about them.", _fleet.ByState().Select(d => (MetricsText.Label("state", d.State), (double)d.Count)))
            .Gauge("ctree_devices_boot", "Accepted devices by the state of their boot file.", _fleet.ByBoot().Select(d => (MetricsText.Label("boot", d.Boot), (double)d.Count)))
            .Gauge("ctree_devices_late", $"Accepted devices that have not polled for {LatePolls} intervals, or never.", ("", _fleet.SilentFor(LatePolls * options.PollInterval)))
            .Gauge("ctree_devices_silent", "Accepted devices that count as silent: they have missed as many polls as silent.polls or their group says.", ("", silent))
            .Gauge("ctree_devices_health", "Accepted devices by how they did at their last poll.", _fleet.ByHealth().Select(d => (MetricsText.Label("health", d.Health), (double)d.Count)))
            .Gauge("ctree_rollouts", "Rollouts that are not over.", _fleet.ByRollout().Select(r => (MetricsText.Label("state", r.State), (double)r.Count)))
            .Gauge("ctree_devices_low_space", "Accepted devices whose disks are nearly full.", ("", low))
            .Gauge("ctree_devices_cloned", "Accepted devices whose keys are in use at two places.", ("", cloned))
            .Gauge("ctree_devices_forked", "Accepted devices that have another commit than this server at a position of their branch.", ("", forked))
            .Gauge("ctree_poll_age_seconds", "Time since the last poll of accepted devices.", _fleet.PollAges(0.5, 0.9, 0.99).Select(a => (MetricsText.Label("quantile", a.Share.ToString(System.Globalization.CultureInfo.InvariantCulture)), a.Seconds)))
            .Gauge("ctree_poll_interval_seconds", "What devices are told to wait between polls.", ("", options.PollInterval.TotalSeconds))
            .Gauge("ctree_follows", "Branches that follow git repositories.", (MetricsText.Label("state", "fine"), follows.Fine), (MetricsText.Label("state", "failed"), follows.Failed))
            .Gauge("ctree_branches", "Branches that have a head.", ("", data.Repository.Heads.List().Count));
    }

    // Nothing before the first: who makes none here makes them otherwise.
    private void AddBackup(MetricsText text)
    {
        var backup = new LastBackup(database, data.Path, time);
        if (backup.Made is not { } made)
            return;
        text.Gauge("ctree_backup_age_seconds", "Time since the last complete backup by 'ctree-server backup'.", ("", Math.Max(0, (time.GetUtcNow() - made).TotalSeconds)));
        if (backup.MaxAge is { } most)
            text.Gauge("ctree_backup_max_age_seconds", "After so long it is too old, as backup.days says.", ("", most.TotalSeconds));
    }

    private void AddProcess(MetricsText text)
    {
        var (bytes, inodes) = _readiness.Free();
        using var process = Process.GetCurrentProcess();
        text.Gauge("ctree_ready", "Whether /readyz says so.", ("", _readiness.Look().Any() ? 0 : 1))
            .Gauge("ctree_disk_free_bytes", "Free where the data is.", ("", bytes))
            .Gauge("ctree_disk_free_inodes", "Free where the data is.", ("", inodes))
            .Gauge("ctree_database_bytes", "Size of the database.", ("", database.Size))
            .Gauge("process_start_time_seconds", "When it began.", ("", _begin.ToUnixTimeSeconds()))
            .Counter("process_cpu_seconds_total", "Processor time.", ("", process.TotalProcessorTime.TotalSeconds))
            .Gauge("process_resident_memory_bytes", "Memory.", ("", process.WorkingSet64));
    }

    private static async Task TextAsync(HttpContext context, string text, string type = "text/plain; charset=utf-8")
    {
        var body = System.Text.Encoding.UTF8.GetBytes(text);
        context.Response.ContentType = type;
        context.Response.ContentLength = body.Length;
        await context.Response.Body.WriteAsync(body, context.RequestAborted);
    }
}
