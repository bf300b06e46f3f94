using ContentTree.Deploy.Commands;

return await CommandLine.RunAsync(args, Console.Out, Console.Error, isTerminal: !Console.IsErrorRedirected).ConfigureAwait(false);
