using ContentTree.Server.Storage;
using ContentTree.Store.Protocol;
using ContentTree.Store.Trust;
using Microsoft.AspNetCore.Http.Features;

namespace ContentTree.Server.Endpoints;

/// <summary>Checks that a request was signed by its device, now, and not seen before.</summary>
internal sealed class DeviceAccess(DeviceKeys keys, Nonces nonces, TimeProvider time, TimeSpan skew)
{
    /// <summary>The device that signed the request, and what was decided about it.</summary>
    /// <exception cref="ProblemException">Unknown device, wrong signature, wrong time or a replay.</exception>
    public (KeyId Device, DeviceState State) Authenticate(HttpContext context, ReadOnlySpan<byte> body)
    {
        var signature = Read(context);
        if (keys.Find(signature.Device) is not { } signer)
            throw new ProblemException(ProblemCode.DeviceUnknown, "enrol again");
        Check(signature, signer.Key, context, body);
        if (signer.IsNext)
            keys.Promote(signer.Device, signer.Key);
        return (signer.Device, signer.State);
    }

    /// <summary>The device that signed the request, which an operator or a token has let in.</summary>
    /// <exception cref="ProblemException">Not signed by such a device.</exception>
    public KeyId RequireAccepted(HttpContext context, ReadOnlySpan<byte> body)
    {
        var (device, state) = Authenticate(context, body);
        return state == DeviceState.Accepted
            ? device
            : throw new ProblemException(state == DeviceState.Pending ? ProblemCode.DevicePending : ProblemCode.DeviceRejected);
    }

    /// <summary>Whether a device signs with this key, or is to.</summary>
    public bool IsKnown(KeyId key) => keys.Find(key) is not null;

    /// <summary>Proof that whoever sent the request holds this key.</summary>
    /// <exception cref="ProblemException">Wrong signature, wrong time or a replay.</exception>
    public void CheckSignature(HttpContext context, ReadOnlySpan<byte> body, PublicKey key) => Check(Read(context), key, context, body);

    private static RequestSignature Read(HttpContext context) =>
        RequestSignature.TryParse(context.Request.Headers.Authorization, out var signature)
            ? signature
            : throw new ProblemException(ProblemCode.BadSignature, "the request is not signed by a device");

    private void Check(RequestSignature signature, PublicKey key, HttpContext context, ReadOnlySpan<byte> body)
    {
        // The target as it stood in the request line: a decoded path could be another one than was signed.
        var target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var now = time.GetUtcNow();
        var check = signature.Check(key, context.Request.Method, target, body, now, skew);
        if (check == RequestSignatureCheck.WrongTime)
        {
            throw new ProblemException(ProblemCode.Clock,
                $"signed {signature.Time - now.ToUnixTimeSeconds()} seconds away from the server's time", now.ToUnixTimeSeconds());
        }
        if (check != RequestSignatureCheck.Valid)
            throw new ProblemException(ProblemCode.BadSignature);
        // One that is older than the allowed skew cannot come again: its time is refused.
        if (!nonces.TryUse(signature, now - skew))
            throw new ProblemException(ProblemCode.Replay);
    }
}
