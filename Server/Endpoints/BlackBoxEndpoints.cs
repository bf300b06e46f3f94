using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Endpoints;

/// <summary>Black boxes come from devices and are read by people.</summary>
internal sealed class BlackBoxEndpoints(BlackBoxes boxes, DeviceAccess devices, TokenAccess access, ILogger log)
{
    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapPost(Routes.BlackBoxes, TakeAsync);
        routes.MapGet(Routes.Devices + "/{id}/blackboxes", ListAsync);
        routes.MapGet(Routes.Devices + "/{id}/blackboxes/{deployment}", ShowAsync);
    }

    private async Task TakeAsync(HttpContext context)
    {
        var body = await context.ReadBodyAsync(BodyLimits.BlackBox);
        var device = devices.RequireAccepted(context, body);
        var box = Messages.Parse(body, ProtocolJson.Default.BlackBoxRequest);
        if (box.Text.Length > BlackBoxRequest.MaxText)
            throw new ProblemException(ProblemCode.TooLarge, $"a black box has at most {BlackBoxRequest.MaxText} characters");
        boxes.Store(device, box);
        Log.BlackBox(log, device, box.Deployment);
        await context.AnswerAsync(new BlackBoxAnswer(box.Text.Length), ProtocolJson.Default.BlackBoxAnswer);
    }

    private Task ListAsync(HttpContext context)
    {
        var device = access.RequireOf(context, TokenRole.Viewer).Require(DeviceOf(context));
        return context.AnswerAsync(new BlackBoxList(boxes.List(device)), ProtocolJson.Default.BlackBoxList);
    }

    private Task ShowAsync(HttpContext context)
    {
        var device = access.RequireOf(context, TokenRole.Viewer).Require(DeviceOf(context));
        var deployment = context.Request.RouteValues["deployment"] as string ?? "";
        return context.AnswerAsync(boxes.Read(device, deployment), ProtocolJson.Default.BlackBoxInfo);
    }

    private static KeyId DeviceOf(HttpContext context) => KeyId.TryParse(context.Request.RouteValues["id"] as string, out var id)
        ? id
        : throw new ProblemException(ProblemCode.NotFound, "a device's id has 16 hex digits");
}
