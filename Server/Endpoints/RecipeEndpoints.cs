using ContentTree.Server.Auditing;
using ContentTree.Server.Compositions;
using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Endpoints;

/// <summary>The recipes of composed branches.</summary>
internal sealed class RecipeEndpoints(DataDirectory data, TokenAccess access, Audit audit, TimeProvider time, ILogger log)
{
    private readonly RecipeRegister _register = new(data, time);

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.MapGet(Routes.Recipes, ListAsync);
        routes.MapGet(Routes.Recipes + "/{**name}", ShowAsync);
        routes.MapPost(Routes.Recipes, UpdateAsync);
        routes.MapPut(Routes.Recipes, SetAsync);
        routes.MapDelete(Routes.Recipes + "/{**name}", Remove);
    }

    private Task ListAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        return context.AnswerAsync(new RecipeList(_register.List(context.RequestAborted)), ProtocolJson.Default.RecipeList);
    }

    private Task ShowAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Viewer);
        var name = context.Request.RouteValues["name"] as string ?? "";
        var recipe = _register.List(context.RequestAborted).FirstOrDefault(r => r.Name == name) ?? throw new NotFoundException($"no recipe '{name}'");
        context.Response.Headers.ETag = Expectation.Tag(recipe.Text);
        return context.AnswerAsync(recipe, ProtocolJson.Default.RecipeInfo);
    }

    private Task UpdateAsync(HttpContext context)
    {
        access.Require(context, TokenRole.Publisher);
        return context.AnswerAsync(new RecipeList(_register.Update(context.RequestAborted)), ProtocolJson.Default.RecipeList);
    }

    private async Task SetAsync(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Publisher);
        var asked = await context.ReadAsync(ProtocolJson.Default.RecipeInfo, BodyLimits.Missing);
        var recipe = _register.Set(asked.Name, asked.Text, context.RequestAborted, Expectation.Of(context).Require);
        context.Response.Headers.ETag = Expectation.Tag(recipe.Text);
        Log.RecipeChanged(log, recipe.Name, "set", token);
        audit.Note(Actor.Token(token, context), "recipe.set", recipe.Name, after: recipe.Text);
        await context.AnswerAsync(recipe, ProtocolJson.Default.RecipeInfo);
    }

    private Task Remove(HttpContext context)
    {
        var token = access.Require(context, TokenRole.Publisher);
        var name = context.Request.RouteValues["name"] as string ?? "";
        _register.Remove(name, Expectation.Of(context).Require);
        Log.RecipeChanged(log, name, "removed", token);
        audit.Note(Actor.Token(token, context), "recipe.remove", name);
        context.Response.StatusCode = StatusCodes.Status204NoContent;
        return Task.CompletedTask;
    }
}
