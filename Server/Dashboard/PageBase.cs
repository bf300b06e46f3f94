using System.Diagnostics;
using Microsoft.AspNetCore.Components;

namespace ContentTree.Server.Dashboard;

/// <summary>A page. What it shows comes in as one object: generated components are public, and what they show is not.</summary>
public abstract class PageBase : ComponentBase
{
    [Parameter]
    public object? Model { get; set; }

    [CascadingParameter]
    private Visitor? Asking { get; set; }

    private protected Visitor Visitor => Asking ?? throw new UnreachableException();

    private protected T Of<T>() => (T)(Model ?? throw new UnreachableException());
}
