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
    // One request takes 5 GB at most; from here on an object goes in several.
    private const long InParts = 1L << 30;
    private const long PartBytes = 64L << 20;
    private const int Retries = 3;
    private const int Connections = 64;
    private const int CopyBytes = 128 * 1024;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

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
            Timeout = Patience,
            MaxConnectionsPerServer = Connections,
        };
        if (address.Endpoint is { } endpoint)
            configuration.ServiceURL = endpoint.GetLeftPart(UriPartial.Authority);
        else
            configuration.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(address.Region);
        _client = Credentials(address) is { } credentials ? new AmazonS3Client(credentials, configuration) : new AmazonS3Client(configuration);
    }

    public string Name => _address.Name;

    public Task PutAsync(string key, SafeFileHandle file, long size, CancellationToken cancellation) => Try(key, async () =>
    {
        if (size >= InParts)
        {
            await PutPartsAsync(key, file, size, cancellation);
            return true;
        }
        await using var content = new FileSlice(file, 0, size);
        await _client.PutObjectAsync(new PutObjectRequest { BucketName = _address.Bucket, Key = _address.Prefix + key, InputStream = content, AutoCloseStream = false, ContentType = "application/octet-stream" }, cancellation);
        return true;
    }, cancellation);

    public Task<bool> TryGetAsync(string key, Stream target, long size, CancellationToken cancellation) => Try(key, async () =>
    {
        GetObjectResponse response;
        try
        {
            response = await _client.GetObjectAsync(new GetObjectRequest { BucketName = _address.Bucket, Key = _address.Prefix + key }, cancellation);
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound && e.ErrorCode != "NoSuchBucket")
        {
            return false;
        }
        using (response)
        {
            // One byte more than wanted tells that there is more.
            var buffer = new byte[CopyBytes];
            var left = size + 1;
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            while (left > 0)
            {
                silence.CancelAfter(Patience);
                var count = await response.ResponseStream.ReadAsync(buffer.AsMemory(0, (int)Math.Min(buffer.Length, left)), silence.Token);
                if (count == 0)
                    break;
                await target.WriteAsync(buffer.AsMemory(0, count), cancellation);
                left -= count;
            }
            return true;
        }
    }, cancellation);

    public Task<long?> FindAsync(string key, CancellationToken cancellation) => Try<long?>(key, async () =>
    {
        try
        {
            return (await _client.GetObjectMetadataAsync(_address.Bucket, _address.Prefix + key, cancellation)).ContentLength;
        }
        catch (AmazonS3Exception e) when (e.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }, cancellation);

    public Task DeleteAsync(string key, CancellationToken cancellation) => Try(key, () => _client.DeleteObjectAsync(_address.Bucket, _address.Prefix + key, cancellation), cancellation);

    public async IAsyncEnumerable<BucketEntry> ListAsync(string prefix, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var request = new ListObjectsV2Request { BucketName = _address.Bucket, Prefix = _address.Prefix + prefix };
        do
        {
            var page = await Try(prefix, () => _client.ListObjectsV2Async(request, cancellation), cancellation);
            foreach (var found in page.S3Objects ?? [])
                yield return new BucketEntry(found.Key[_address.Prefix.Length..], found.Size ?? 0, (found.LastModified ?? DateTime.MaxValue).ToUniversalTime());
            request.ContinuationToken = page.IsTruncated == true ? page.NextContinuationToken : null;
        }
        while (request.ContinuationToken is not null);
    }

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
            await _client.AbortMultipartUploadAsync(_address.Bucket, _address.Prefix + key, begun.UploadId, CancellationToken.None);
            throw;
        }
    }

    private async Task<T> Try<T>(string what, Func<Task<T>> call, CancellationToken cancellation)
    {
        try
        {
            return await call();
        }
        catch (Exception e) when (e is AmazonServiceException or AmazonClientException or HttpRequestException or HttpIOException or TimeoutException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            throw new BucketException($"{Name}: {what}: {e.Message}", e);
        }
    }
}
