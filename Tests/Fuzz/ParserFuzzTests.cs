using System.Reflection;
using ContentTree.Deploy;
using ContentTree.Server.Storage;
using ContentTree.Store.Objects;
using ContentTree.Tests.Deltas;
using ContentTree.Tests.Packs;

namespace ContentTree.Tests.Fuzz;

/// <summary>
/// Every parser against bytes that are almost right: each is refused in the way that the parser promises, or read, and what is read and has
/// one spelling is written again as the same bytes. CTREE_FUZZ says how many mutations of each; a failure names its seed. Deltas, plans,
/// packs and images have tests of their own (DeltaFuzzTests, HostilePackTests, ExtFuzzTests).
/// </summary>
public sealed class ParserFuzzTests
{
    private static readonly int Mutations = Mutation.Count(100_000);

    private static readonly Dictionary<string, FuzzedParser> Parsers = StoreParsers.All.Concat(DeviceParsers.All).Concat(ServerParsers.All).ToDictionary();

    // Types that read something, and where it is mutated under another name than that of the type.
    private static readonly Dictionary<string, string> Elsewhere = new()
    {
        ["BootRecordFormat"] = "boot slot",
        ["CommitFormat"] = "commit",
        ["XzParameters"] = "repacking",
        ["PlanCoding"] = nameof(DeltaFuzzTests),
        ["PlanDecoder"] = nameof(DeltaFuzzTests),
        ["DeltaHeader"] = nameof(DeltaFuzzTests),
    };

    public static TheoryData<string> Names => [.. Parsers.Keys];

    [Trait("Category", "Slow")]
    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_almost_right_is_refused_as_promised_or_read_as_it_is(string what)
    {
        var parser = Parsers[what];
        var (accepted, tried) = (0, 0);
        for (var seed = 0; seed < Mutations; seed += parser.Every, tried++)
        {
            var mutant = new Mutation(seed).Of(parser.Samples[tried % parser.Samples.Length]);
            byte[]? written;
            try
            {
                written = parser.Read(mutant);
                accepted++;
            }
            catch (Exception e) when (parser.MayThrow(e))
            {
                continue;
            }
            catch (Exception e)
            {
                Assert.Fail($"{what}, seed {seed}: {e}");
                throw;
            }
            if (written is not null && !written.AsSpan().SequenceEqual(mutant))
                Assert.Fail($"{what}, seed {seed}: read, and written as other bytes\n{Convert.ToHexString(mutant)}\n{Convert.ToHexString(written)}");
        }
        if (parser.Refusals.Length > 0)
            accepted.Should().BeLessThan(tried, "some are refused");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_right_is_read(string what)
    {
        var sample = Parsers[what].Samples[0];
        Parsers[what].Read([.. sample])?.Should().Equal(sample);
    }

    [Fact]
    public void Every_parser_is_mutated()
    {
        var here = typeof(ParserFuzzTests).Assembly;
        var read = Directory.GetFiles(Trust.TestFiles.Root + "/Tests/Fuzz", "*Parsers.cs").Select(File.ReadAllText).ToArray();
        Elsewhere.Values.Should().OnlyContain(where => Parsers.ContainsKey(where) || here.GetTypes().Any(type => type.Name == where));
        var parsers = new[] { typeof(ObjectId), typeof(Device), typeof(DataDirectory), typeof(BootFile.BootRecord), typeof(BootSelector.Superblock) }
            .SelectMany(type => type.Assembly.GetTypes()).Where(IsParser).Select(type => type.Name).Distinct().ToArray();
        parsers.Should().HaveCountGreaterThan(50);
        parsers.Where(name => !Elsewhere.ContainsKey(name) && !read.Any(text => text.Contains($"{name}.", StringComparison.Ordinal))).Should().BeEmpty("each of them has a line in one of the tables");
    }

    private static bool IsParser(Type type) => !type.IsNestedPrivate && type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
        .Any(method => !method.IsPrivate && !method.IsGenericMethod && method.Name is "Parse" or "TryParse" or "Decode" or "TryDecode" && method.GetParameters() is [{ ParameterType: var from }, ..] &&
            (from == typeof(string) || from == typeof(byte[]) || from == typeof(ReadOnlySpan<byte>) || from == typeof(ReadOnlySpan<char>)));
}
