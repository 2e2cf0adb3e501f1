// Colours of the bars that the wallet draws: they take values, not CSS variables. The same as in tokens.scss and theme.json (a test compares them).
export const bars = {
  light: { bar: "#ffffff", text: "#000000", tabText: "#555d68", tabOn: "#0a5f59" },
  dark: { bar: "#14171a", text: "#ffffff", tabText: "#aab3bd", tabOn: "#5cc8bd" },
} as const;
