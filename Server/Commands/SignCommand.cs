using System.CommandLine;
using System.Text;
using ContentTree.Server.Publishing;
using ContentTree.Server.Trust;
using ContentTree.Store.Objects;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Commands;

/// <summary><c>sign</c>: adds signatures to a statement in a file, on any machine, or to a branch's head here.</summary>
internal static class SignCommand
{
    public static Command Create(CommandContext context)
    {
        var file = new Argument<string?>("FILE") { Description = "a root or head, as 'key root' and 'publish --unsigned' write them", Arity = ArgumentArity.ZeroOrOne };
        var branch = new Option<BranchName?>("--branch")
        {
            Description = "sign the newest head of this branch instead of a file",
            HelpName = "BRANCH",
            CustomParser = result => BranchName.TryParse(result.Tokens[0].Value, out var name) ? name : CommandContext.Fail<BranchName?>(result, "--branch wants a branch name"),
        };
        var root = new Option<string?>("--root") { Description = "with --branch: the root that is to be installed and names the keys (default: the present one)", HelpName = "FILE" };
        var signers = new SignerOptions();
        var command = new Command("sign", "Sign a statement; what it says is printed first.") { file, branch, root };
        signers.AddTo(command);
        return CommandContext.Run(command, (parsed, _) =>
        {
            var keys = signers.Read(parsed);
            switch (parsed.GetValue(file), parsed.GetValue(branch))
            {
                case ({ } path, null) when parsed.GetValue(root) is null:
                    SignFile(context, parsed, path, keys);
                    return ExitCode.Done;
                case (null, { } name):
                    SignBranch(context, parsed, name, parsed.GetValue(root), keys);
                    return ExitCode.Done;
                default:
                    throw new UsageException("name either a FILE, or a --branch and perhaps a --root");
            }
        });
    }

    private static void SignFile(CommandContext context, ParseResult parsed, string path, IReadOnlyList<ISigner> named)
    {
        var envelope = Envelope.Parse(StatementFile.Read(path));
        envelope.RequireStatement();
        context.Terminal.Out.WriteLine(Encoding.UTF8.GetString(envelope.SignedBytes.Span));
        // Keys that were named sign whatever they are given; those that merely lie here sign nothing unasked.
        if (named.Count == 0)
            throw new UsageException("name the key with --key or --signer");
        var signed = new SigningKeys(named).Sign(envelope, _ => true);
        StatementFile.Write(path, signed);
        Say(context, path, envelope, signed);
    }

    private static void SignBranch(CommandContext context, ParseResult parsed, BranchName branch, string? rootFile, IReadOnlyList<ISigner> named)
    {
        using var data = context.OpenData(parsed);
        var branches = new Branches(data, context.Time);
        var before = branches.ReadHead(branch).Envelope;
        var root = data.Trust.Load();
        if (rootFile is not null)
            root = root.Next(StatementFile.Read(rootFile));
        context.Terminal.Out.WriteLine(Encoding.UTF8.GetString(before.SignedBytes.Span));
        Say(context, $"head of {branch}", before, branches.SignHead(branch, root, data.LoadKeys().With(named)));
    }

    private static void Say(CommandContext context, string what, Envelope before, Envelope after)
    {
        var added = after.Signatures.Where(s => !before.Signatures.Any(old => old.KeyId == s.KeyId && old.Der.Span.SequenceEqual(s.Der.Span))).Select(s => $"{s.KeyId}").ToArray();
        context.Terminal.Error.WriteLine(added.Length > 0 ? $"{what}: signed by {string.Join(", ", added)}" : $"{what}: nothing added, these keys have signed it already or play no role in it");
    }
}
