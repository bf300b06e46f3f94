using System.Net;
using System.Runtime.CompilerServices;
using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.S3;
using Amazon.S3.Model;
using ContentTree.Store.Repositories;
using Microsoft.Win32.SafeHandles;

namespace ContentTree.Server.Storage.Buckets;

/// <summary>A bucket of Amazon S3 or of anything that speaks like it; only what all of them have is used. What fails is tried again some times.</summary>
internal sealed class S3Bucket : IBucket
{
    // From here on an object goes in several requests, so that what a bad moment costs is one of them.
    private const long InParts = 64L << 20;
    private const long PartBytes = 64L << 20;

    // Slower than this is no link to a bucket any more.
    private const long LeastBytesPerSecond = 64 * 1024;
    private const int Retries = 3;
    private const int Connections = 64;
    private const int CopyBytes = 128 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ConnectPatience = TimeSpan.FromSeconds(10);

    private readonly BucketAddress _address;
    private readonly AmazonS3Client _client;

    public S3Bucket(BucketAddress address)
    {
        _address = address;
        var configuration = new AmazonS3Config
        {
            ForcePathStyle = address.Endpoint is not null,
            AuthenticationRegion = address.Region,
            // Newer checksums are not known everywhere; each object has its hash anyway.
            RequestChecksumCalculation = RequestChecksumCalculation.WHEN_REQUIRED,
            ResponseChecksumValidation = ResponseChecksumValidation.WHEN_REQUIRED,
            MaxErrorRetry = Retries,
            // It would count for a whole upload; each request has its own.
            Timeout = Timeout.InfiniteTimeSpan,
            ConnectTimeout = ConnectPatience,
            MaxConnectionsPerServer = Connections,
        };
        if (address.Endpoint is { } endpoint)
            configuration.ServiceURL = endpoint.GetLeftPart(UriPartial.Authority);
        else
            configuration.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(address.Region);
        _client = Credentials(address) is { } credentials ? new AmazonS3Client(credentials, configuration) : new AmazonS3Client(configuration);
    }

    public string Name => _address.Name;

    public Task PutAsync(string key, SafeFileHandle file, long size, CancellationToken cancellation) => Try(key, async cancel =>
    {
        if (size >= InParts)
        {
            await PutPartsAsync(key, file, size, cancellation);
            return true;
        }
        await using var content = new FileSlice(file, 0, size);
        await _client.PutObjectAsync(new PutObjectRequest { BucketName = _address.Bucket, Key = _address.Prefix + key, InputStream = content, AutoCloseStream = false, ContentType = "application/octet-stream" }, cancel);
        return true;
    }, cancellation, size < InParts ? size : long.MaxValue);

    public Task<bool> TryGetAsync(string key, Stream target, long size, CancellationToken cancellation) => Try(key, async _ =>
    {
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return await TryGetOnceAsync(key, target, size, cancellation);
            }
            catch (CutAnswerException) when (attempt < Retries)
            {
                // The client tries again what fails before the first byte, and nothing that breaks off after it.
                target.SetLength(0);
                target.Position = 0;
            }
        }
    }, cancellation, long.MaxValue);

    public Task<int?> TryGetPartAsync(string key, long offset, Memory<byte> target, CancellationToken cancellation) => Try<int?>(key, async cancel =>
    {
        try
        {
            using var part = await _client.GetObjectAsync(
                new GetObjectRequest { BucketName = _address.Bucket, Key = _address.Prefix + key, ByteRange = new ByteRange(offset, offset + target.Length - 1) }, cancel);
            return await part.ResponseStream.ReadAtLeastAsync(target, target.Length, throwOnEndOfStream: false, cancel);
        }
        catch (AmazonS3Exception e) when (e.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.RequestedRangeNotSatisfiable && e.ErrorCode != "NoSuchBucket")
        {
            return null;
        }
    }, cancellation, target.Length);

    public Task<long?> FindAsync(string key, CancellationToken cancellation) => Try<long?>(key, async cancel =>
    {
        try
        {
            return (await _client.GetObjectMetadataAsync(_address.Bucket, _address.Prefix + key, cancel)).ContentLength;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }, cancellation);

    public async Task<Uri?> LinkAsync(string key, TimeSpan validity)
    {
        var request = new GetPreSignedUrlRequest
        {
            BucketName = _address.Bucket,
            Key = _address.Prefix + key,
            Verb = HttpVerb.GET,
            Expires = TimeProvider.System.GetUtcNow().Add(validity).UtcDateTime,
            Protocol = _address.Endpoint?.Scheme == Uri.UriSchemeHttp ? Protocol.HTTP : Protocol.HTTPS,
        };
        return new Uri(await Try(key, _ => _client.GetPreSignedURLAsync(request), CancellationToken.None));
    }

    public Task DeleteAsync(string key, CancellationToken cancellation) => Try(key, cancel => _client.DeleteObjectAsync(_address.Bucket, _address.Prefix + key, cancel), cancellation);

    public async IAsyncEnumerable<BucketEntry> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = _address.Bucket, Prefix = _address.Prefix + prefix };
        do
        {
            var page = await Try(prefix, cancel => _client.ListObjectsV2Async(request, cancel), cancellation);
            foreach (var found in (page.S3Objects ?? []).Where(found => found.Key.StartsWith(_address.Prefix, StringComparison.Ordinal)))
                yield return new BucketEntry(found.Key[_address.Prefix.Length..], found.Size ?? 0, (found.LastModified ?? DateTime.MaxValue).ToUniversalTime(), found.ETag?.Trim('"') ?? "");
            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

    public bool HasSame(BucketEntry entry, SafeFileHandle file, long size) => entry.Size == size && entry.Tag == EntityTag.Of(file, size, size < InParts ? long.MaxValue : PartBytes);

    public void Dispose() => _client.Dispose();

    private static AWSCredentials? Credentials(BucketAddress address)
    {
        if (address.CredentialsFile is not { } file)
            return null;
        if (new SharedCredentialsFile(file).TryGetProfile("default", out var profile) && profile.CanCreateAWSCredentials)
            return profile.GetAWSCredentials(null);
        throw new BucketException($"{file}: no keys of a [default] profile in it (aws_access_key_id, aws_secret_access_key)");
    }

    private async Task PutPartsAsync(string key, SafeFileHandle file, long size, CancellationToken cancellation)
    {
        var begun = await _client.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = _address.Bucket, Key = _address.Prefix + key }, cancellation);
        try
        {
            var parts = new List<PartETag>();
            for (long at = 0; at < size; at += PartBytes)
            {
                await using var content = new FileSlice(file, at, Math.Min(PartBytes, size - at));
                var part = await _client.UploadPartAsync(new UploadPartRequest
                {
                    BucketName = _address.Bucket,
                    Key = _address.Prefix + key,
                    UploadId = begun.UploadId,
                    PartNumber = parts.Count + 1,
                    PartSize = content.Length,
                    InputStream = content,
                }, cancellation);
                parts.Add(new PartETag(parts.Count + 1, part.ETag));
            }
            await _client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest { BucketName = _address.Bucket, Key = _address.Prefix + key, UploadId = begun.UploadId, PartETags = parts }, cancellation);
        }
        catch
        {
            // A killed one is for the bucket's own rule (docs/scale.md).
            await AbandonAsync(key, begun.UploadId);
            throw;
        }
    }

    private async Task AbandonAsync(string key, string upload)
    {
        using var patience = new CancellationTokenSource(ConnectPatience);
        try
        {
            await _client.AbortMultipartUploadAsync(_address.Bucket, _address.Prefix + key, upload, patience.Token);
        }
        catch (Exception e) when (IsTrouble(e) || e is OperationCanceledException)
        {
            // What went wrong first is what is said.
        }
    }

    private async Task<bool> TryGetOnceAsync(string key, Stream target, long size, CancellationToken cancellation)
    {
        // Of the silence, not of the whole: an object may be large.
        using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        silence.CancelAfter(Patience * (Retries + 1));
        GetObjectResponse response;
        try
        {
            response = await _client.GetObjectAsync(new GetObjectRequest { BucketName = _address.Bucket, Key = _address.Prefix + key }, silence.Token);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket")
        {
            return false;
        }
        using (response)
        {
            var buffer = new byte[CopyBytes];
            // One byte more than wanted tells that there is more.
            for (var left = size + 1; left > 0;)
            {
                silence.CancelAfter(Patience);
                var count = await ReadAsync(response.ResponseStream, buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), silence.Token);
                if (count == 0)
                    break;
                await target.WriteAsync(buffer.AsMemory(0, count), cancellation);
                left -= count;
            }
            return true;
        }
    }

    private static async Task<int> ReadAsync(Stream answer, Memory<byte> buffer, CancellationToken cancellation)
    {
        try
        {
            return await answer.ReadAsync(buffer, cancellation);
        }
        catch (IOException e)
        {
            throw new CutAnswerException(e);
        }
    }

    private async Task<T> Try<T>(string what, Func<CancellationToken, Task<T>> call, CancellationToken cancellation, long bytes = 0)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        if (bytes < long.MaxValue)
            patience.CancelAfter((Patience + TimeSpan.FromSeconds(bytes / LeastBytesPerSecond)) * (Retries + 1));
        try
        {
            return await call(patience.Token);
        }
        catch (Exception e) when (IsTrouble(e) || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new BucketException($"{Name}: {what}: {e.Message}", e);
        }
    }

    private static bool IsTrouble(Exception e) => e is AmazonServiceException or AmazonClientException or HttpRequestException or HttpIOException or TimeoutException or CutAnswerException;

    private sealed class CutAnswerException(IOException inner) : Exception(inner.Message, inner);
}
