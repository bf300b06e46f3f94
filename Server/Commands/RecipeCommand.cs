using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using ContentTree.Server.Client;
using ContentTree.Server.Compositions;
using ContentTree.Store.Protocol;
using ContentTree.Store.Repositories;

namespace ContentTree.Server.Commands;

/// <summary><c>recipe set|update|list|show|remove</c>: what composed branches are made of. The first two also make them.</summary>
internal static class RecipeCommand
{
    public static Command Create(CommandContext context) => new("recipe", "Compose branches of other branches: write, show and remove recipes.")
    {
        Set(context), Update(context), List(context), Show(context), Remove(context),
    };

    private static Command Set(CommandContext context)
    {
        var name = Name();
        var file = new Argument<string>("FILE") { Description = "lines 'PATH = BRANCH', 'PATH = BRANCH@VERSION' or 'PATH ?= BRANCH'; - for standard input" };
        return OnRecipes(context, new Command("set", "Write a recipe and make its branches.") { name, file }, async (register, client, parsed, cancellation) =>
        {
            var path = parsed.GetRequiredValue(file);
            var text = path == "-" ? await Console.In.ReadToEndAsync(cancellation) : await File.ReadAllTextAsync(path, cancellation);
            var asked = new RecipeInfo(parsed.GetRequiredValue(name), text);
            var recipe = client is null
                ? register().Set(asked.Name, asked.Text, cancellation)
                : await client.PutAsync(Routes.Recipes, asked, ProtocolJson.Default.RecipeInfo, ProtocolJson.Default.RecipeInfo, cancellation);
            if (client is null)
                Note(context, parsed, "recipe.set", asked.Name, asked.Text);
            Print(context.Terminal, [recipe]);
            return CodeOf([recipe]);
        });
    }

    private static Command Update(CommandContext context) =>
        OnRecipes(context, new Command("update", "Bring all composed branches to where their parts are now."), async (register, client, _, cancellation) =>
        {
            var recipes = client is null ? register().Update(cancellation) : (await client.PostAsync(Routes.Recipes, ProtocolJson.Default.RecipeList, cancellation)).Recipes;
            Print(context.Terminal, recipes);
            return CodeOf(recipes);
        });

    private static ExitCode CodeOf(IReadOnlyList<RecipeInfo> recipes) =>
        recipes.Any(r => r.Branches?.Any(b => b.Refusal is not null) == true) ? ExitCode.Partial : ExitCode.Done;

    private static Command List(CommandContext context)
    {
        var json = CommandContext.Json();
        return OnRecipes(context, new Command("list", "All recipes, and where their branches are.") { json }, async (register, client, parsed, cancellation) =>
        {
            var recipes = client is null ? register().List(cancellation) : (await client.GetAsync(Routes.Recipes, ProtocolJson.Default.RecipeList, cancellation)).Recipes;
            if (parsed.GetValue(json))
                context.Terminal.PrintJson("ctree-server.recipes/1", JsonSerializer.SerializeToNode(new RecipeList(recipes), ProtocolJson.Default.RecipeList) as JsonObject ?? []);
            else
                Print(context.Terminal, recipes);
            return ExitCode.Done;
        });
    }

    private static Command Show(CommandContext context)
    {
        var name = Name();
        return OnRecipes(context, new Command("show", "A recipe as it was written.") { name }, async (register, client, parsed, cancellation) =>
        {
            var recipes = client is null ? register().List(cancellation) : (await client.GetAsync(Routes.Recipes, ProtocolJson.Default.RecipeList, cancellation)).Recipes;
            var recipe = recipes.FirstOrDefault(r => r.Name == parsed.GetRequiredValue(name)) ?? throw new NotFoundException($"no recipe '{parsed.GetRequiredValue(name)}'");
            context.Terminal.Out.Write(recipe.Text.EndsWith('\n') ? recipe.Text : recipe.Text + "\n");
            return ExitCode.Done;
        });
    }

    private static Command Remove(CommandContext context)
    {
        var name = Name();
        return OnRecipes(context, new Command("remove", "Remove a recipe; the branches that it made stay where they are.") { name }, async (register, client, parsed, cancellation) =>
        {
            if (client is null)
            {
                register().Remove(parsed.GetRequiredValue(name));
                Note(context, parsed, "recipe.remove", parsed.GetRequiredValue(name));
            }
            else
            {
                await client.DeleteAsync(Routes.Recipe(parsed.GetRequiredValue(name)), cancellation);
            }
            return ExitCode.Done;
        });
    }

    private static void Note(CommandContext context, ParseResult parsed, string verb, string name, string? text = null)
    {
        using var data = context.OpenData(parsed);
        context.Note(data, verb, name, after: text);
    }

    private static Argument<string> Name() => new("NAME") { Description = "the composed branch, or a pattern such as 'fleet/*'" };

    private static Command OnRecipes(
        CommandContext context, Command command, Func<Func<RecipeRegister>, ServerClient?, ParseResult, CancellationToken, Task<ExitCode>> run)
    {
        var (server, token) = (CommandContext.Server(), CommandContext.Token());
        command.Add(server);
        command.Add(token);
        return CommandContext.Run(command, async (parsed, cancellation) =>
        {
            using var client = CommandContext.Connect(parsed, server, token);
            using var data = client is null ? context.OpenData(parsed) : null;
            return await run(() => new RecipeRegister(data!, context.Time), client, parsed, cancellation);
        });
    }

    private static void Print(Terminal terminal, IReadOnlyList<RecipeInfo> recipes)
    {
        terminal.PrintTable(["RECIPE", "BRANCH", "SEQUENCE", "COMMIT", "PARTS"],
            [.. recipes.SelectMany(r => (r.Branches ?? []).Select(b => new[]
            {
                r.Name, $"{b.Name}", $"{b.Sequence}", b.Commit is { } commit ? Printing.Short(commit) : "", b.Refusal is not null ? "refused" : b.Behind == true ? "have moved" : "are these",
            }))]);
        foreach (var refused in recipes.SelectMany(r => r.Branches ?? []).Where(b => b.Refusal is not null))
            terminal.Error.WriteLine($"{refused.Name} stays where it is: {refused.Refusal}");
        foreach (var empty in recipes.Where(r => r.Branches is []))
            terminal.Error.WriteLine($"{empty.Name}: there is no branch yet for which its lines with '*' stand");
    }
}
