const colours = 8;

/** How the lines of a chart look, in their order: eight colours, then the same dashed, and so on. */
export const lineLook = (index: number): { readonly colour: string; readonly dashed: boolean } => ({
  colour: `--line-${(index % colours) + 1}`,
  dashed: Math.floor(index / colours) % 2 === 1,
});
