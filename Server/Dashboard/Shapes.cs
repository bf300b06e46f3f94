using ContentTree.Server.Fleet;

namespace ContentTree.Server.Dashboard;

/// <summary>The style class of each standing; the style sheet gives it a colour and a shape.</summary>
internal static class Shapes
{
    /// <summary>The word that stands beside it.</summary>
    public static string Word(Standing standing) => standing == Standing.Unknown ? "nothing yet" : Standings.Word(standing);

    public static string Of(Standing standing) => standing switch
    {
        Standing.InSync => "good",
        Standing.Updating => "moving",
        Standing.Behind => "late",
        Standing.Held => "held",
        Standing.Ahead => "ahead",
        Standing.FellBack => "bad",
        Standing.Silent => "silent",
        Standing.Pending => "pending",
        Standing.Rejected => "rejected",
        _ => "unknown",
    };
}
