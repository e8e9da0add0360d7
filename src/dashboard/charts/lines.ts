const colours = 8;

/**
 * How the lines of a chart look, in their order: eight colours, then the same dashed. Beyond sixteen nobody tells them
 * apart by looks any more, and dashes are what takes the longest to draw.
 */
export const lineLook = (
  index: number,
  count: number,
): { readonly colour: string; readonly dashed: boolean } => ({
  colour: `--line-${(index % colours) + 1}`,
  dashed: count <= colours * 2 && index >= colours,
});
