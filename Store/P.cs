namespace ContentTree.Store; internal static class P { }
