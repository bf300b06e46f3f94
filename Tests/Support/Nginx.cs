using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace ContentTree.Tests.Support;

/// <summary>A real nginx with one configuration, on a port of this machine.</summary>
internal sealed class Nginx : IDisposable
{
    private readonly Process _process;

    private Nginx(Process process) => _process = process;

    /// <param name="folder">For its files; made when it is missing.</param>
    /// <param name="servers">What stands within <c>http</c>.</param>
    /// <param name="port">Where it listens by that.</param>
    public static async Task<Nginx> StartAsync(string folder, string servers, int port)
    {
        Directory.CreateDirectory(folder);
        var paths = string.Concat(new[] { "client_body", "proxy", "fastcgi", "uwsgi", "scgi" }.Select(p => $"{p}_temp_path {folder}/{p};\n"));
        await File.WriteAllTextAsync(Path.Combine(folder, "nginx.conf"),
            $"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;\nevents {{}}\nhttp {{\naccess_log off;\n{paths}{servers}\n}}\n");
        var nginx = Process.Start("nginx", ["-p", folder, "-c", Path.Combine(folder, "nginx.conf")]);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (true)
        {
            nginx.HasExited.Should().BeFalse($"see {folder}/error.log");
            try
            {
                using var probe = new TcpClient();
                await probe.ConnectAsync(IPAddress.Loopback, port, patience.Token);
                return new Nginx(nginx);
            }
            catch (SocketException)
            {
                await Task.Delay(20, patience.Token);
            }
        }
    }

    /// <summary>A port that nobody listens on now.</summary>
    public static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
