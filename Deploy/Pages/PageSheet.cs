namespace ContentTree.Deploy.Pages;

/// <summary>The page's one style sheet, from within the program.</summary>
internal static class PageSheet
{
    public static byte[] Bytes
    {
        get
        {
            using var sheet = typeof(PageSheet).Assembly.GetManifestResourceStream("page.css") ?? throw new InvalidOperationException("page.css is not in the program");
            var bytes = new byte[sheet.Length];
            sheet.ReadExactly(bytes);
            return bytes;
        }
    }
}
