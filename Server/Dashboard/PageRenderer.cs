using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Rendering;
using Microsoft.AspNetCore.Components.Web;

namespace ContentTree.Server.Dashboard;

/// <summary>Turns a page and what it shows into HTML: components that are rendered once, on the server. Nothing of them runs in the browser.</summary>
internal sealed class PageRenderer(IServiceProvider services, ILoggerFactory logs)
{
    public async Task ShowAsync<TPage>(Visitor visitor, object? model = null, int status = StatusCodes.Status200OK)
        where TPage : PageBase
    {
        await using var renderer = new HtmlRenderer(services, logs);
        var html = new StringWriter();
        await renderer.Dispatcher.InvokeAsync(async () =>
        {
            var rendered = await renderer.RenderComponentAsync<Host<TPage>>(ParameterView.FromDictionary(new Dictionary<string, object?>
            {
                [nameof(Host<TPage>.Visitor)] = visitor,
                [nameof(Host<TPage>.Model)] = model,
            }));
            rendered.WriteHtmlTo(html);
        });
        var response = visitor.Context.Response;
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        if (!HttpMethods.IsHead(visitor.Context.Request.Method))
            await response.WriteAsync(html.ToString(), visitor.Context.RequestAborted);
    }

    /// <summary>Hands the visitor down to every part of the page.</summary>
    internal sealed class Host<TPage> : ComponentBase
        where TPage : PageBase
    {
        [Parameter]
        public Visitor? Visitor { get; set; }

        [Parameter]
        public object? Model { get; set; }

        protected override void BuildRenderTree(RenderTreeBuilder builder)
        {
            builder.OpenComponent<CascadingValue<Visitor>>(0);
            builder.AddComponentParameter(1, nameof(CascadingValue<Visitor>.Value), Visitor);
            builder.AddComponentParameter(2, nameof(CascadingValue<Visitor>.IsFixed), true);
            builder.AddComponentParameter(3, nameof(CascadingValue<Visitor>.ChildContent), (RenderFragment)(inside =>
            {
                inside.OpenComponent<TPage>(0);
                inside.AddComponentParameter(1, nameof(PageBase.Model), Model);
                inside.CloseComponent();
            }));
            builder.CloseComponent();
        }
    }
}
