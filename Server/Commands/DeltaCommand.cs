using System.CommandLine;
using ContentTree.Server.Deltas;
using ContentTree.Server.Storage;
using ContentTree.Store.Deltas;
using ContentTree.Store.Deltas.Generation;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;

namespace ContentTree.Server.Commands;

/// <summary><c>delta</c>: makes the file that leads devices from one commit to another, or says what it would cost.</summary>
internal static class DeltaCommand
{
    private const string None = "none";

    public static Command Create(CommandContext context)
    {
        var from = new Argument<string>("from") { Description = $"what devices have: {CommitReference.Help}, or '{None}' for a first install" };
        var to = new Argument<string>("to") { Description = $"what they are to have: {CommitReference.Help}" };
        var plan = new Option<bool>("--plan") { Description = "say what transfer and disk will cost; makes nothing" };
        var parts = new Option<bool>("--parts") { Description = "list the parts and how each is coded" };
        var fast = new Option<bool>("--fast") { Description = "half the decoding time on the device for a tenth more bytes" };
        return CommandContext.Run(new Command("delta", "Make the delta between two commits.") { from, to, plan, parts, fast }, (parsed, cancellation) =>
        {
            using var data = context.OpenData(parsed);
            using var deltas = new DeltaStore(data);
            ObjectId? start = parsed.GetValue(from) == None ? null : CommitReference.Resolve(data, context.Time, parsed.GetValue(from)!);
            var end = CommitReference.Resolve(data, context.Time, parsed.GetValue(to)!);
            var options = new DeltaOptions { PreferSpeed = parsed.GetValue(fast) };
            var offer = deltas.Make(start, end, options, (done, all) => context.Terminal.Error.WriteLine($"part {done} of {all}"), cancellation);
            if (parsed.GetValue(parts))
                PrintParts(context, deltas, offer);
            context.Terminal.Out.WriteLine($"{deltas.PathOf(DeltaName.Parse(offer.Name))} {offer.Bytes}");
            return ExitCode.Done;
        });
    }

    private static void PrintParts(CommandContext context, DeltaStore deltas, DeltaOffer offer)
    {
        var header = ReadHeader(deltas.PathOf(DeltaName.Parse(offer.Name)));
        context.Terminal.Out.WriteLine($"header {header.Plan.Offset} plan {header.Plan.CodedLength} of {header.Plan.OutputLength} memory {header.MemoryKiB} KiB");
        foreach (var part in header.Parts)
            context.Terminal.Out.WriteLine($"{part.Codec} {part.CodedLength} of {part.OutputLength}");
    }

    private static DeltaHeader ReadHeader(string path)
    {
        using var file = File.OpenRead(path);
        Span<byte> prefix = stackalloc byte[DeltaHeader.PrefixBytes];
        file.ReadExactly(prefix);
        var header = new byte[DeltaHeader.LengthOf(prefix)];
        file.Position = 0;
        file.ReadExactly(header);
        return DeltaHeader.Decode(header);
    }
}
