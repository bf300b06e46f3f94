// A weak link in user space: a TCP proxy that slows down what the server sends and cuts connections.
//   usage: weak-link TARGET-PORT CONTROL-FILE
// Listens on a free port of 127.0.0.1 and prints it. The control file is read again for every connection; its one line
// is "RATE CUT": bytes a second over all connections (0: no limit), and the number of bytes after which each connection
// is cut (0: never). Behind them may stand "each=BYTES" (a second, of one connection), "delay=MS" (each way, once a burst)
// and "up=MS down=MS": in turns everything passes and nothing does, in silence.
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
            var link = LinkSettings.Parse(await File.ReadAllTextAsync(control));
            await server.ConnectAsync(IPAddress.Loopback, port);
            var up = Up(device.GetStream(), server.GetStream(), link);
            var down = Down(server.GetStream(), device, link);
            await Task.WhenAny(up, down);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            // A link that breaks is what this program is for.
        }
    }
}

async Task Up(NetworkStream device, NetworkStream server, LinkSettings link)
{
    var buffer = new byte[16 * 1024];
    for (int count; (count = await device.ReadAsync(buffer)) > 0;)
    {
        await link.Pass();
        await server.WriteAsync(buffer.AsMemory(0, count));
    }
}

async Task Down(NetworkStream server, TcpClient device, LinkSettings link)
{
    var buffer = new byte[16 * 1024];
    var own = new Pace();
    long sent = 0;
    for (int count; (count = await server.ReadAsync(buffer)) > 0; sent += count)
    {
        // A burst is delayed as a whole: what fills the buffer is in the middle of one.
        if (count < buffer.Length || sent == 0)
            await link.Pass();
        await link.IsUp();
        await Task.WhenAll(pace.Wait(count, link.Rate), own.Wait(count, link.Each));
        if (link.Cut > 0 && sent + count > link.Cut)
        {
            await device.GetStream().WriteAsync(buffer.AsMemory(0, (int)Math.Max(0, link.Cut - sent)));
            // Lingering for no time sends a reset: the device sees a broken link, not an end.
            device.Client.LingerState = new LingerOption(true, 0);
            return;
        }
        await device.GetStream().WriteAsync(buffer.AsMemory(0, count));
    }
}
