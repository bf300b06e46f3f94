namespace ContentTree.Server.Endpoints;

/// <summary>One method of one path: who may use it, what it takes and what it answers.</summary>
/// <param name="Pattern">As it is mapped.</param>
/// <param name="Summary">What it does, in one sentence.</param>
internal sealed record ApiRoute(string Method, string Pattern, Access Access, string Summary)
{
    /// <summary>The message that the body is; null where there is none, or none of JSON.</summary>
    public Type? Request { get; init; }

    /// <summary>What the body is where it is no message.</summary>
    public string? RequestMedia { get; init; }

    /// <summary>The message that the answer is.</summary>
    public Type? Answer { get; init; }

    /// <summary>What the answer is where it is no message.</summary>
    public string? AnswerMedia { get; init; }

    /// <summary>Of an answer that is no refusal.</summary>
    public int Status { get; init; } = StatusCodes.Status200OK;

    /// <summary>Another such status.</summary>
    public int? OtherStatus { get; init; }

    /// <summary>Headers of its own that it heeds.</summary>
    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>What may stand behind '?'.</summary>
    public IReadOnlyList<string> Query { get; init; } = [];
}
