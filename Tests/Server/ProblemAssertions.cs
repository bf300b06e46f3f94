using System.Text.Json;
using ContentTree.Store.Protocol;

namespace ContentTree.Tests.Server;

internal static class ProblemAssertions
{
    /// <summary>The answer is a problem of this code, with the code's own status.</summary>
    public static async Task<Problem> ShouldBeProblemAsync(this HttpResponseMessage answer, string code)
    {
        var body = await answer.Content.ReadAsByteArrayAsync();
        answer.Content.Headers.ContentType?.MediaType.Should().Be(Problem.MediaType, System.Text.Encoding.UTF8.GetString(body));
        var problem = JsonSerializer.Deserialize(body, ProtocolJson.Default.Problem)!;
        problem.Code.Should().Be(code, problem.Detail);
        ((int)answer.StatusCode).Should().Be(ProblemCode.Find(code).Status);
        return problem;
    }
}
