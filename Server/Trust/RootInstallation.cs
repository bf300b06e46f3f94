using System.Text;
using ContentTree.Server.Publishing;
using ContentTree.Server.Storage;
using ContentTree.Store.Trust;

namespace ContentTree.Server.Trust;

/// <summary>
/// Makes a new root the one that devices are led to. First every branch's head gets the signatures that the new root asks for, from these keys, so that
/// devices with the old root and with the new one take it alike; last <c>root.json</c>.
/// </summary>
internal static class RootInstallation
{
    /// <exception cref="VerificationException">It does not follow on the present root, or a head would be refused under it.</exception>
    /// <param name="say">Hears which heads got new signatures.</param>
    /// <param name="signsComposed">Heads that composition keys have signed are signed again too, with those that are here.</param>
    public static TrustRoot Run(DataDirectory data, SigningKeys keys, ReadOnlySpan<byte> bytes, TimeProvider time, Action<string>? say = null, bool signsComposed = false)
    {
        using var changing = data.Trust.Lock(exclusive: true);
        var present = data.Trust.Load();
        if (present.Envelope.Bytes.Span.SequenceEqual(bytes))
            return present;
        var next = present.Next(bytes);
        if (next.Expires <= time.GetUtcNow())
            throw new VerificationException($"root {next.Version}", VerificationFailure.Expired, $"it ended at {next.Expires:u}");
        var branches = new Branches(data, time);
        foreach (var branch in branches.List())
        {
            var before = data.Repository.Heads.ReadNewest(branch);
            var head = branches.SignHead(branch, next, keys, signsComposed);
            if (before?.AsSpan().SequenceEqual(head.Bytes.Span) != true)
                say?.Invoke($"signed the head of {branch}: {Encoding.UTF8.GetString(head.SignedBytes.Span)}");
            if (next.HeadSigner(head, branch) is null)
            {
                var (signers, threshold) = (next.SignersOf(head, Role.Release).Count, next.Roles[Role.Release].Threshold);
                throw new VerificationException($"head of {branch}", VerificationFailure.NotSigned,
                    $"{signers} of the {threshold} release keys of root {next.Version} have signed it, so devices would refuse it: look at it ('ctree-server show {branch}'), then let 'key install' sign it with --resign or --key KEY, or elsewhere 'sign --root FILE --branch {branch} --key KEY'; a composed branch may also be removed ('branch delete') and composed again afterwards");
            }
        }
        data.Trust.Install(next);
        foreach (var branch in new Timestamps(data, time).RefreshAll())
            say?.Invoke($"nobody vouches for {branch}: devices take nothing of it before a timestamp key of root {next.Version} is in online-keys/");
        return next;
    }
}
