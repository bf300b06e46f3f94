using ContentTree.Server.Endpoints;
using ContentTree.Server.Storage;

namespace ContentTree.Server.Webhooks;

/// <summary>Delivers what is in the outbox while a server runs: at most one at a time to each webhook, so that a slow one keeps no other waiting.</summary>
internal sealed class WebhookWorker : IAsyncDisposable
{
    private const int MaxSends = 16;

    private readonly Outbox _outbox;
    private readonly WebhookSender _sender;
    private readonly TimeSpan _pause;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _ending = new();
    private readonly Dictionary<string, Task> _sends = [];
    private readonly Task _task;

    public WebhookWorker(DataDirectory data, TimeProvider time, TimeSpan pause, ILogger log, ChangeBell bell)
    {
        _outbox = new Outbox(data.OpenDatabase(), time);
        _sender = new WebhookSender(data, _outbox, time);
        (_pause, _log) = (pause, log);
        _task = Task.Run(() => RunAsync(bell));
    }

    public async ValueTask DisposeAsync()
    {
        await _ending.CancelAsync();
        await _task;
        await Task.WhenAll(_sends.Values);
        _sender.Dispose();
        _ending.Dispose();
    }

    private async Task RunAsync(ChangeBell bell)
    {
        while (!_ending.IsCancellationRequested)
        {
            var ring = bell.Next;
            try
            {
                Begin();
            }
            catch (Exception e)
            {
                // A database that is busy or damaged now may be mended later.
                Log.WebhooksFailed(_log, e);
            }
            await BackgroundLoop.RestAsync(_pause, ring, _ending.Token);
        }
    }

    private void Begin()
    {
        foreach (var (webhook, _) in _sends.Where(send => send.Value.IsCompleted).ToArray())
            _sends.Remove(webhook);
        foreach (var webhook in _outbox.Due())
        {
            if (_sends.Count < MaxSends && !_sends.ContainsKey(webhook) && _outbox.Claim(webhook) is { } delivery)
                _sends.Add(webhook, SendAllAsync(delivery));
        }
    }

    // One after the other, as long as they are taken.
    private async Task SendAllAsync(DueDelivery first)
    {
        try
        {
            for (var delivery = first; delivery is not null; delivery = _outbox.Claim(delivery.Webhook))
            {
                var sent = await _sender.SendAsync(delivery, _ending.Token);
                if (sent.Error is not { } error)
                    continue;
                Log.NotDelivered(_log, delivery.Webhook, delivery.Event, delivery.Id, error);
                return;
            }
        }
        catch (OperationCanceledException) when (_ending.IsCancellationRequested)
        {
        }
        catch (Exception e)
        {
            Log.WebhooksFailed(_log, e);
        }
    }
}
