using ContentTree.Deploy.Commands;

using var raw = Console.OpenStandardOutput();
return await CommandLine.RunAsync(args, Console.Out, Console.Error, isTerminal: !Console.IsErrorRedirected, raw: raw).ConfigureAwait(false);
