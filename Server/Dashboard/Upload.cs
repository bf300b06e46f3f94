using System.Security.Cryptography;
using System.Text;
using ContentTree.Server.Commands;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;

namespace ContentTree.Server.Dashboard;

/// <summary>A form with a file, written to disk as it arrives: however large it is, memory stays small.</summary>
/// <param name="Path">Where it lies; the receiver removes it.</param>
/// <param name="Name">What it was called where it came from.</param>
internal sealed record Upload(string Path, string Name, IReadOnlyDictionary<string, string> Fields)
{
    private const int MaxFields = 16;
    private const int MaxField = 4096;
    private const int MaxName = 200;
    private const int Buffer = 128 * 1024;

    /// <exception cref="UsageException">There is no file in it, or the token of the form does not come before it.</exception>
    public static async Task<Upload> ReceiveAsync(Visitor visitor, string folder)
    {
        var request = visitor.Context.Request;
        if (!MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || HeaderUtilities.RemoveQuotes(type.Boundary).Value is not { Length: > 0 and <= 100 } boundary)
            throw new UsageException("this is no form with a file");
        var reader = new MultipartReader(boundary, request.Body) { HeadersCountLimit = 8, HeadersLengthLimit = 4096 };
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        while (await reader.ReadNextSectionAsync(visitor.Context.RequestAborted) is { } section)
        {
            if (!ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition) || fields.Count > MaxFields)
                throw new UsageException("this form cannot be read");
            var name = HeaderUtilities.RemoveQuotes(disposition.Name).Value ?? "";
            if (!disposition.FileName.HasValue && !disposition.FileNameStar.HasValue)
            {
                fields[name] = await ReadAsync(section.Body, visitor.Context.RequestAborted);
                continue;
            }
            // Before the first byte is written: a page of somebody else's fills no disk.
            Gate.RequireToken(visitor, fields.GetValueOrDefault("form-token"));
            return new Upload(await WriteAsync(section.Body, folder, visitor.Context.RequestAborted), NameOf(disposition), fields);
        }
        throw new UsageException("choose a file");
    }

    private static string NameOf(ContentDispositionHeaderValue disposition)
    {
        var name = System.IO.Path.GetFileName((disposition.FileNameStar.HasValue ? disposition.FileNameStar : HeaderUtilities.RemoveQuotes(disposition.FileName)).Value ?? "");
        var shown = string.Concat(name.Where(c => !char.IsControl(c)).Take(MaxName));
        return shown.Length > 0 ? shown : "a file";
    }

    private static async Task<string> ReadAsync(Stream body, CancellationToken cancellation)
    {
        var bytes = new byte[MaxField + 1];
        var length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, cancellation);
        return length <= MaxField ? Encoding.UTF8.GetString(bytes, 0, length) : throw new UsageException($"a field is longer than {MaxField} bytes");
    }

    private static async Task<string> WriteAsync(Stream body, string folder, CancellationToken cancellation)
    {
        var path = System.IO.Path.Combine(folder, $"upload-{RandomNumberGenerator.GetHexString(16, lowercase: true)}");
        try
        {
            await using var file = new FileStream(path, FileMode.CreateNew, FileAccess.Write, FileShare.None, bufferSize: 1, useAsync: true);
            await body.CopyToAsync(file, Buffer, cancellation);
            return file.Length > 0 ? path : throw new UsageException("choose a file; this one is empty");
        }
        catch
        {
            File.Delete(path);
            throw;
        }
    }
}
