using ContentTree.Server.Auditing;
using ContentTree.Server.Fleet.Configurations;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>What operators say of the configuration of devices. No answer has a secret in it.</summary>
internal sealed class ConfigurationEndpoints(ConfigurationChanges changes, Configurations configurations, TokenAccess access, Audit audit, ILogger log)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.ConfigurationKeys, ListKeysAsync);
        routes.MapPut(Routes.ConfigurationKeys + "/{name}", DefineAsync);
        routes.MapDelete(Routes.ConfigurationKeys + "/{name}", RemoveKey);
        routes.MapGet(Routes.ConfigurationValues + "/{**scope}", ShowAsync);
        routes.MapPut(Routes.ConfigurationValues + "/{**scope}", SetAsync);
        routes.MapPost(Routes.ConfigurationValues + "/{**scope}", PreviewAsync);
        routes.MapGet(Routes.ConfigurationHistory + "/{**scope}", HistoryAsync);
        routes.MapPost(Routes.ConfigurationHistory + "/{**scope}", RevertAsync);
        routes.MapGet(Routes.Devices + "/{id}/configuration", ShowDeviceAsync);
    }

    private Task ListKeysAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        return context.AnswerAsync(new ConfigurationKeyList(Keys(changes, limit)), ProtocolJson.Default.ConfigurationKeyList);
    }

    private async Task DefineAsync(HttpContext context)
    {
        var actor = Operator(context);
        var key = changes.Define(KeyOf(context), await context.ReadAsync(ProtocolJson.Default.ConfigurationKeyRequest, BodyLimits.Small));
        ConfigurationNotes.Defined(audit, actor, key);
        await context.AnswerAsync(key, ProtocolJson.Default.ConfigurationKeyInfo);
    }

    private Task RemoveKey(HttpContext context)
    {
        var actor = Operator(context);
        changes.Remove(KeyOf(context));
        ConfigurationNotes.Removed(audit, actor, KeyOf(context));
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }

    private Task ShowAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        return AnswerAsync(context, changes.Show(limit.Require(ScopeOf(context))));
    }

    private async Task SetAsync(HttpContext context)
    {
        var actor = Operator(context);
        var asked = await context.ReadAsync(ProtocolJson.Default.ConfigurationRequest, BodyLimits.Configuration);
        var after = changes.Set(ScopeOf(context), asked, actor.Name, Expectation.Of(context).Require);
        Noted(actor, "config.set", after);
        await AnswerAsync(context, after.After);
    }

    private async Task PreviewAsync(HttpContext context)
    {
        Operator(context);
        var asked = await context.ReadAsync(ProtocolJson.Default.ConfigurationRequest, BodyLimits.Configuration);
        await context.AnswerAsync(changes.Preview(ScopeOf(context), asked), ProtocolJson.Default.ConfigurationOutlook);
    }

    private Task HistoryAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        return context.AnswerAsync(changes.History(limit.Require(ScopeOf(context)), context.LimitOf(), context.NumberOf("cursor")), ProtocolJson.Default.ConfigurationHistory);
    }

    private async Task RevertAsync(HttpContext context)
    {
        var actor = Operator(context);
        var asked = await context.ReadAsync(ProtocolJson.Default.ConfigurationRevertRequest, BodyLimits.Small);
        var after = changes.Revert(ScopeOf(context), asked, actor.Name, Expectation.Of(context).Require);
        Noted(actor, "config.revert", after);
        await AnswerAsync(context, after.After);
    }

    private Task ShowDeviceAsync(HttpContext context)
    {
        var limit = access.RequireOf(context, TokenRole.Viewer);
        return context.AnswerAsync(configurations.Show(limit.Require(KeyId.Parse(context.Request.RouteValues["id"] as string))), ProtocolJson.Default.DeviceConfiguration);
    }

    private void Noted(Actor actor, string verb, ConfigurationOutcome outcome)
    {
        Log.Configured(log, outcome.After.Scope, outcome.After.Revision, actor.Name);
        ConfigurationNotes.Changed(audit, actor, verb, outcome);
    }

    private static Task AnswerAsync(HttpContext context, ConfigurationInfo info)
    {
        if (ConfigurationChanges.Tag(info.Scope, info.Revision) is { } tag)
            context.Response.Headers.ETag = Expectation.Tag(tag);
        return context.AnswerAsync(info, ProtocolJson.Default.ConfigurationInfo);
    }

    /// <summary>The keys, without how often others have values of their own where that is nobody's business.</summary>
    public static IReadOnlyList<ConfigurationKeyInfo> Keys(ConfigurationChanges changes, GroupLimit limit) =>
        limit.IsWhole ? changes.Keys() : [.. changes.Keys().Select(key => key with { Fleet = false, Overrides = 0 })];

    private Actor Operator(HttpContext context) => Actor.Token(access.Require(context, TokenRole.Operator), context);

    private static ConfigurationKey KeyOf(HttpContext context) => ConfigurationKey.Parse(context.Request.RouteValues["name"] as string);

    private static ConfigurationScope ScopeOf(HttpContext context) => ConfigurationScope.Parse(context.Request.RouteValues["scope"] as string);
}
