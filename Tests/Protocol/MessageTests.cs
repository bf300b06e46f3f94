using System.Text;
using System.Text.Json;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using ContentTree.Tests.Trust;

namespace ContentTree.Tests.Protocol;

public sealed class MessageTests : IDisposable
{
    private readonly Statements _s = new();

    [Fact]
    public void A_head_survives_a_poll_answer_byte_for_byte()
    {
        // Signatures are random; '+' and '/' in base64 are what a JSON encoder likes to escape.
        for (var i = 0; i < 50; i++)
        {
            var head = _s.Release.Sign(Statements.Head());

            var json = JsonSerializer.SerializeToUtf8Bytes(Answer(head), ProtocolJson.Default.PollAnswer);
            var received = JsonSerializer.Deserialize(json, ProtocolJson.Default.PollAnswer)!;

            received.Head!.Bytes.ToArray().Should().Equal(head.Bytes.ToArray());
            _s.Trust.VerifyHead(received.Head.Bytes.Span, Statements.Branch).Sequence.Should().Be(7);
        }
    }

    [Fact]
    public void A_head_that_a_proxy_reformatted_is_noticed()
    {
        var json = Encoding.UTF8.GetString(
            JsonSerializer.SerializeToUtf8Bytes(Answer(_s.Release.Sign(Statements.Head())), ProtocolJson.Default.PollAnswer));

        var received = JsonSerializer.Deserialize(json.Replace("\"kind\":", "\"kind\": ", StringComparison.Ordinal), ProtocolJson.Default.PollAnswer)!;

        var verify = () => _s.Trust.VerifyHead(received.Head!.Bytes.Span, Statements.Branch);
        verify.Should().Throw<VerificationException>().Which.Failure.Should().Be(VerificationFailure.Malformed);
    }

    [Fact]
    public void A_poll_with_nothing_new_is_small()
    {
        var request = JsonSerializer.SerializeToUtf8Bytes(UsualPoll, ProtocolJson.Default.PollRequest);
        var header = RequestSignature.Create(_s.Release, "POST", Routes.Poll, request, Statements.Created).ToString();
        var answer = JsonSerializer.SerializeToUtf8Bytes(new PollAnswer(DeviceState.Accepted, 1800, 1, Timestamp: Timestamp()), ProtocolJson.Default.PollAnswer);

        request.Length.Should().BeInRange(200, 400);
        header.Length.Should().BeInRange(150, 200);
        answer.Length.Should().BeInRange(400, 500);
    }

    [Fact]
    public void A_poll_with_a_new_head_is_small() =>
        JsonSerializer.SerializeToUtf8Bytes(Answer(_s.Release.Sign(Statements.Head())), ProtocolJson.Default.PollAnswer)
            .Length.Should().BeInRange(700, 900);

    [Fact]
    public void A_full_request_for_missing_objects_fits_its_limit()
    {
        var objects = Enumerable.Repeat(new ObjectName(ObjectKind.Commit, Statements.Commit), MissingRequest.MaxObjects).ToList();

        JsonSerializer.SerializeToUtf8Bytes(new MissingRequest(objects, "lease"), ProtocolJson.Default.MissingRequest)
            .Length.Should().BeInRange(BodyLimits.Missing / 2, BodyLimits.Missing);
    }

    [Fact]
    public void Fields_of_a_newer_sender_are_ignored() =>
        JsonSerializer.Deserialize("""{"state":"accepted","interval":60,"root":1,"mood":{"good":[1]}}""", ProtocolJson.Default.PollAnswer)
            .Should().Be(new PollAnswer(DeviceState.Accepted, 60, 1));

    [Theory]
    [InlineData("""{"boot":"good","root":1,"sequence":0}""")]
    [InlineData("""{"branch":"../x","boot":"good","root":1,"sequence":0}""")]
    [InlineData("""{"branch":null,"boot":"good","root":1,"sequence":0}""")]
    [InlineData("""{"branch":"b","boot":null,"root":1,"sequence":0}""")]
    [InlineData("""{"branch":"b","boot":"good","root":1,"sequence":"0"}""")]
    [InlineData("""{"branch":"b","boot":"good","root":1,"sequence":0.5}""")]
    [InlineData("""{"branch":"b","boot":"good","root":1,"sequence":0,"head":"abc"}""")]
    [InlineData("""{"branch":"b","boot":"good","root":1,"sequence":0,"head":7}""")]
    [InlineData("""{"branch":"b","boot":"good","root":1,"sequence":0}}""")]
    [InlineData("[]")]
    [InlineData("")]
    public void A_message_with_a_wrong_or_missing_field_is_refused(string json)
    {
        var read = () => JsonSerializer.Deserialize(json, ProtocolJson.Default.PollRequest);

        read.Should().Throw<JsonException>();
    }

    [Theory]
    [InlineData("7")]
    [InlineData("\"Unheard\"")]
    public void An_unknown_device_state_is_refused(string state)
    {
        var read = () => JsonSerializer.Deserialize($$"""{"state":{{state}},"interval":60,"root":1}""", ProtocolJson.Default.PollAnswer);

        read.Should().Throw<JsonException>();
    }

    [Fact]
    public void A_problem_knows_its_exit_code_and_does_not_send_it()
    {
        var problem = Problem.Of(ProblemCode.BranchMoved, "stable is at 43");

        var json = JsonSerializer.Serialize(problem, ProtocolJson.Default.Problem);

        json.Should().Be("""{"code":"branch-moved","status":409,"title":"the branch moved","detail":"stable is at 43"}""");
        JsonSerializer.Deserialize(json, ProtocolJson.Default.Problem)!.ExitCode.Should().Be(ExitCode.Conflict);
        (problem with { Code = "from-the-future" }).ExitCode.Should().Be(ExitCode.Failed);
    }

    public void Dispose() => _s.Dispose();

    private static PollRequest UsualPoll => new(
        Statements.Branch, "good", Root: 1, Sequence: 1234, Head: ObjectId.Of("head"u8), Running: Statements.Commit, Reports: 57);

    private PollAnswer Answer(Envelope head) => new(DeviceState.Accepted, 1800, 1, new RawJson(head.Bytes), Timestamp: Timestamp());

    private RawJson Timestamp() => new(_s.Release.Sign(new TimestampStatement
    {
        Branch = Statements.Branch,
        Head = Statements.Commit,
        Sequence = 1234,
        Created = Statements.Created,
        Expires = Statements.Created.AddDays(1),
    }).Bytes);
}
