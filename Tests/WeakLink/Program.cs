// A weak link in user space: a TCP proxy that slows down what the server sends and cuts connections.
//   usage: weak-link TARGET-PORT CONTROL-FILE
// Listens on a free port of 127.0.0.1 and prints it. The control file is read again for every connection; its one line
// is "RATE CUT": bytes a second over all connections (0: no limit), and the number of bytes after which each connection
// is cut (0: never).
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ContentTree.WeakLink;

if (args.Length != 2 || !int.TryParse(args[0], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
{
    Console.Error.WriteLine("usage: weak-link TARGET-PORT CONTROL-FILE");
    return 2;
}
var control = args[1];
var pace = new Pace();
using var listener = new TcpListener(IPAddress.Loopback, 0);
listener.Start();
Console.WriteLine(((IPEndPoint)listener.LocalEndpoint).Port);
while (true)
{
    var device = await listener.AcceptTcpClientAsync();
    _ = Task.Run(() => Serve(device));
}

async Task Serve(TcpClient device)
{
    using (device)
    using (var server = new TcpClient())
    {
        try
        {
            var (rate, cut) = Read(await File.ReadAllTextAsync(control));
            await server.ConnectAsync(IPAddress.Loopback, port);
            var up = device.GetStream().CopyToAsync(server.GetStream());
            var down = Down(server.GetStream(), device, rate, cut);
            await Task.WhenAny(up, down);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // A link that breaks is what this program is for.
        }
    }
}

async Task Down(NetworkStream server, TcpClient device, long rate, long cut)
{
    var buffer = new byte[16 * 1024];
    long sent = 0;
    for (int count; (count = await server.ReadAsync(buffer)) > 0; sent += count)
    {
        await pace.Wait(count, rate);
        if (cut > 0 && sent + count > cut)
        {
            await device.GetStream().WriteAsync(buffer.AsMemory(0, (int)Math.Max(0, cut - sent)));
            // Lingering for no time sends a reset: the device sees a broken link, not an end.
            device.Client.LingerState = new LingerOption(true, 0);
            return;
        }
        await device.GetStream().WriteAsync(buffer.AsMemory(0, count));
    }
}

static (long Rate, long Cut) Read(string line)
{
    var numbers = line.Split(' ', StringSplitOptions.TrimEntries);
    return (long.Parse(numbers[0], CultureInfo.InvariantCulture), long.Parse(numbers[1], CultureInfo.InvariantCulture));
}
