using ContentTree.Server.Commands;

// ctree-server: publishes trees, serves the repository and the device API, and is the operators' command line.
// Each verb is a file in Commands/; what they print and how they end is decided in CommandLine.

using var terminal = Terminal.OfProcess();
return await CommandLine.RunAsync(args, terminal, TimeProvider.System);
