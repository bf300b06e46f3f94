using System.Buffers;
using System.Net;
using System.Text;
using ContentTree.Deploy.Agent;
using ContentTree.Deploy.Booting;
using ContentTree.Deploy.Commands;
using ContentTree.Deploy.Config;
using ContentTree.Deploy.Deployments;
using ContentTree.Deploy.Transfer;
using ContentTree.Deploy.Updates;
using ContentTree.Store;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;
using Microsoft.Extensions.Logging;

namespace ContentTree.Deploy.Pages;

/// <summary>
/// Does what people ask for on the page, as the verbs do it and under the same lock. One bundle at a time, in <c>store/upload/</c>; it is gone
/// when it is installed, discarded or broken off, when nobody has installed it for an hour, and when the agent starts.
/// </summary>
internal sealed class PageDesk(DeviceRoot root, TimeProvider clock, ILogger log, CancellationToken stopping)
{
    private const int PieceBytes = 64 * 1024;

    private static readonly TimeSpan BeforeRestart = TimeSpan.FromSeconds(1);

    /// <summary>So long a bundle lies ready for somebody to install it.</summary>
    public static readonly TimeSpan Shelf = TimeSpan.FromHours(1);

    private static ReadOnlySpan<byte> Folder => "upload"u8;

    private readonly Lock _lock = new();
    private readonly PageLock _device = new(root, clock);
    private readonly string _folder = Path.Combine(root.Store, Encoding.ASCII.GetString(Folder));
    private Task _working = Task.CompletedTask;
    private long _received;
    private int _uploads;

    public PageWork Work { get; private set; } = new PageWork.None();

    public PageNotice? Notice { get; private set; }

    /// <summary>Bytes of the bundle that have come.</summary>
    public long Received => Interlocked.Read(ref _received);

    private string Bundle => Path.Combine(_folder, "bundle" + BundleShelf.Suffix);

    /// <summary>Removes what an earlier agent was cut off with.</summary>
    public void Clear()
    {
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    /// <summary>Ends when nothing is under way any more.</summary>
    public Task EndAsync() => _working;

    /// <summary>Whether there is room for a request of so many bytes; asked before the first of them is read.</summary>
    public PageRefusal? RefusalOf(long bytes)
    {
        using var device = Open();
        if (bytes > device.Config.PageMaxUpload)
            return new PageRefusal(HttpStatusCode.RequestEntityTooLarge, $"This file has {Sizes.Text(bytes)}, and page.max-upload allows {Sizes.Text(device.Config.PageMaxUpload)}.");
        var (free, _) = device.Store.FreeSpace();
        return bytes > free - device.Config.MinFree
            ? new PageRefusal(HttpStatusCode.InsufficientStorage, $"This file has {Sizes.Text(bytes)}, and {Sizes.Text(free)} are free here, of which {Sizes.Text(device.Config.MinFree)} are to stay free.")
            : null;
    }

    /// <summary>Takes a bundle in, and begins to look at it.</summary>
    public async Task<PageRefusal?> ReceiveAsync(UploadForm form, CancellationToken cancellation)
    {
        if (!TryTurn(work => !work.IsBusy, new PageWork.Receiving(form.FileBytes)))
            return new PageRefusal(HttpStatusCode.Conflict, "Another bundle is at work here. Wait until it is done.");
        try
        {
            if (!await WriteAsync(form, cancellation).ConfigureAwait(false))
                throw new EndOfStreamException("the form does not end where its file does");
        }
        catch
        {
            Forget();
            throw;
        }
        var upload = ++_uploads;
        Begin(new PageWork.Looking(upload), () => LookAsync(upload));
        return null;
    }

    /// <param name="commit">What the person was shown: another one may have uploaded something else since.</param>
    public PageRefusal? Install(string commit)
    {
        if (Work is not PageWork.Planned { Plan: var plan } planned || plan.Commit.ToString() != commit || !TryTurn(work => work == planned, new PageWork.Installing(plan)))
            return new PageRefusal(HttpStatusCode.Conflict, "That bundle does not wait to be installed any more. Look at what is there now.");
        Begin(new PageWork.Installing(plan), () => InstallAsync(plan));
        return null;
    }

    public PageRefusal? Discard()
    {
        // Nobody else may begin in its folder before it is empty.
        if (!TryTurn(work => work.MayBeDiscarded, new PageWork.Clearing()))
            return new PageRefusal(HttpStatusCode.Conflict, "The bundle is at work; it cannot be discarded now.");
        Forget();
        Notice = null;
        return null;
    }

    public Task<PageRefusal?> ConfirmAsync(CancellationToken cancellation) => DoAsync(device =>
    {
        var name = Confirmation.Confirm(device);
        new Retention(device).Collect();
        return $"{name} is confirmed: it is good.";
    }, cancellation);

    public Task<PageRefusal?> RollBackAsync(CancellationToken cancellation) => DoAsync(device =>
    {
        var remarks = new List<string>();
        var now = RollbackCommand.Run(device, remarks.Add);
        return $"{string.Join("; ", remarks)}. {now.Deployment} {(now.RebootNeeded ? "starts with the next restart" : "is the one that counts")}.";
    }, cancellation);

    /// <summary>Restarts in a moment, so that whoever asked gets an answer.</summary>
    public PageRefusal? Restart()
    {
        if (Work.IsBusy)
            return new PageRefusal(HttpStatusCode.Conflict, "A bundle is at work. Wait until it is done.");
        Notice = new PageNotice(true, "The device restarts. This page comes back when it has.");
        _ = RestartAsync();
        return null;
    }

    private async Task RestartAsync()
    {
        await Task.Delay(BeforeRestart, clock, CancellationToken.None).ConfigureAwait(false);
        try
        {
            await LockedAsync(device =>
            {
                Reboot.Run(device, line => Notice = new PageNotice(true, line));
                return Task.FromResult(true);
            }, stopping).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Notice = Failed(e);
        }
    }

    private async Task<bool> WriteAsync(UploadForm form, CancellationToken cancellation)
    {
        Clear();
        Interlocked.Exchange(ref _received, 0);
        using (var store = Posix.OpenDirectory(root.Store))
            DurableFiles.EnsureDirectory(store, Folder, 0x1c0);
        var buffer = ArrayPool<byte>.Shared.Rent(PieceBytes);
        try
        {
            using var file = File.OpenHandle(Bundle, FileMode.CreateNew, FileAccess.Write);
            return await form.CopyAsync(piece =>
            {
                RandomAccess.Write(file, piece.Span, _received);
                Interlocked.Add(ref _received, piece.Length);
                return ValueTask.CompletedTask;
            }, buffer, cancellation).ConfigureAwait(false);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task LookAsync(int upload)
    {
        try
        {
            // What somebody has carried here is not thrown away because the agent is at work.
            using var held = await _device.TakeAtLastAsync(() => IsOurs(Work), e => TryTurn(IsOurs, new PageWork.Looking(upload, Sentence(e))), stopping).ConfigureAwait(false);
            if (held is null || !TryTurn(IsOurs, new PageWork.Looking(upload)))
                return;
            using var device = Open();
            Ready(await new BundleJob(device, Progress.Silent(clock), _ => { }).PlanAsync(Bundle, stopping).ConfigureAwait(false), null);
            Notice = null;
        }
        catch (Exception e)
        {
            Forget();
            Notice = new PageNotice(false, $"The bundle was not taken: {Failed(e).Text}");
        }

        bool IsOurs(PageWork work) => work is PageWork.Looking looking && looking.Upload == upload;
    }

    private async Task InstallAsync(PlanDocument plan)
    {
        try
        {
            var text = "";
            await LockedAsync(device => new JobRecord(device, "page").RunAsync(async () =>
            {
                var job = new BundleJob(device, Progress.Silent(clock), _ => { });
                var outcome = await job.InstallAsync([Bundle], stopping).ConfigureAwait(false);
                outcome = UpdateCommand.Activated(device, outcome, _ => { });
                text = Installed(plan, outcome);
                return (ExitCode.Done, UpdateCommand.Text(outcome));
            }), stopping).ConfigureAwait(false);
            Forget();
            Notice = new PageNotice(true, text);
        }
        catch (Exception e)
        {
            Ready(plan, $"It was not installed: {Failed(e).Text}");
            Notice = null;
        }
    }

    // Up to page.max-upload of the disk are not for ever somebody's who has gone home.
    private void Ready(PlanDocument plan, string? problem)
    {
        var planned = new PageWork.Planned(plan, problem);
        Work = planned;
        _ = Task.Run(async () =>
        {
            await Task.Delay(Shelf, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (stopping.IsCancellationRequested || !TryTurn(work => ReferenceEquals(work, planned), new PageWork.Clearing()))
                return;
            Forget();
            Notice = new PageNotice(false, $"{PageViews.Title(plan)} was removed: nobody has installed it for an hour. It can be uploaded again.");
        }, CancellationToken.None);
    }

    private static string Installed(PlanDocument plan, UpdateOutcome outcome) => outcome is { Action: UpdateAction.Deployed, Deployment: { } name }
        ? $"{PageViews.Title(plan)} is installed as {name}; it {(outcome.RebootNeeded ? "starts with the next restart" : "runs")}."
        : UpdateCommand.Text(outcome);

    private async Task<PageRefusal?> DoAsync(Func<Device, string> act, CancellationToken cancellation)
    {
        try
        {
            Notice = new PageNotice(true, await LockedAsync(device => Task.FromResult(act(device)), cancellation).ConfigureAwait(false));
            return null;
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            return new PageRefusal(HttpStatusCode.Conflict, Failed(e).Text);
        }
    }

    private async Task<T> LockedAsync<T>(Func<Device, Task<T>> act, CancellationToken cancellation)
    {
        using var held = await _device.TakeAsync(cancellation).ConfigureAwait(false);
        using var device = Open();
        return await act(device).ConfigureAwait(false);
    }

    private Device Open() => Device.Open(root, AgentConfig.Load(root), clock);

    // Not on the connection's time: whoever sent the form may go away.
    private void Begin(PageWork work, Func<Task> job)
    {
        Work = work;
        _working = Task.Run(async () =>
        {
            await job().ConfigureAwait(false);
            Heap.Tidy();
        }, CancellationToken.None);
    }

    private bool TryTurn(Func<PageWork, bool> may, PageWork next)
    {
        lock (_lock)
        {
            var turns = may(Work);
            Work = turns ? next : Work;
            return turns;
        }
    }

    private void Forget()
    {
        try
        {
            Clear();
        }
        catch (IOException e)
        {
            Log.Failed(log, e.Message);
        }
        Work = new PageWork.None();
    }

    private PageNotice Failed(Exception e)
    {
        if (Outcome.CodeOf(e) is null)
            Log.Unforeseen(log, e);
        return new PageNotice(false, Outcome.CodeOf(e) is null ? "A mistake in the program; the device's log says more." : Sentence(e));
    }

    private string Sentence(Exception e) =>
        Outcome.MessageOf(e).Replace(Bundle, "the bundle", StringComparison.Ordinal).Replace(", or wait for it with --wait", "", StringComparison.Ordinal);
}
