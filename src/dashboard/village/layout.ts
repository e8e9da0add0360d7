export type Point = { readonly x: number; readonly y: number };
export type Size = { readonly width: number; readonly height: number };

/**
 * Where lanterns hang, as shares of the free area, in the order in which peers connected: a newcomer takes the next
 * place and nobody else moves. Self stands in the middle; places alternate left and right so that a small room is
 * balanced too.
 */
const widePlaces: readonly Point[] = [
  { x: 0.3, y: 0.4 },
  { x: 0.7, y: 0.36 },
  { x: 0.14, y: 0.62 },
  { x: 0.86, y: 0.58 },
  { x: 0.41, y: 0.06 },
  { x: 0.6, y: 0.03 },
  { x: 0.18, y: 0.15 },
  { x: 0.81, y: 0.12 },
  { x: 0.02, y: 0.34 },
  { x: 0.98, y: 0.3 },
  { x: 0.29, y: 0.86 },
  { x: 0.71, y: 0.84 },
  { x: 0.01, y: 0.9 },
  { x: 0.99, y: 0.88 },
];
const tallPlaces: readonly Point[] = [
  { x: 0.12, y: 0.28 },
  { x: 0.88, y: 0.24 },
  { x: 0.05, y: 0.8 },
  { x: 0.95, y: 0.76 },
  { x: 0.5, y: 0.1 },
  { x: 0.27, y: 0.02 },
  { x: 0.75, y: 0 },
  { x: 0.28, y: 0.96 },
  { x: 0.72, y: 0.94 },
  { x: 0, y: 0.02 },
  { x: 1, y: 0.01 },
  { x: 0.02, y: 0.98 },
  { x: 0.98, y: 0.97 },
];

export type VillageLayout = { readonly self: Point; readonly peers: readonly Point[] };

/** Points are the tops of the lanterns, in pixels; `margin` keeps bodies and names inside. */
export const layoutVillage = (
  count: number,
  size: Size,
  margin: { readonly x: number; readonly top: number; readonly bottom: number },
): VillageLayout => {
  const wide = size.width >= 560;
  const places = wide ? widePlaces : tallPlaces;
  const place = ({ x, y }: Point): Point => ({
    x: margin.x + x * Math.max(0, size.width - 2 * margin.x),
    y: margin.top + y * Math.max(0, size.height - margin.top - margin.bottom),
  });
  return {
    self: place({ x: 0.5, y: wide ? 0.62 : 0.56 }),
    peers: Array.from({ length: count }, (_, index) =>
      place(places[index] ?? overflowPlace(index - places.length)),
    ),
  };
};

/** Rooms beyond the drawn places fill the sky along Vogel's sunflower spiral (doi:10.1016/0025-5564(79)90080-4). */
const overflowPlace = (index: number): Point => {
  const angle = (index + 1) * Math.PI * (3 - Math.sqrt(5));
  const radius = 0.18 + 0.3 * Math.sqrt(((index + 1) % 40) / 40);
  return { x: 0.5 + radius * Math.cos(angle), y: 0.5 + radius * Math.sin(angle) };
};

/** A string that sags under its own weight, longer strings more: the control point of its curve. */
const sagOf = (from: Point, to: Point): Point => ({
  x: (from.x + to.x) / 2,
  y: (from.y + to.y) / 2 + 10 + 0.16 * Math.hypot(to.x - from.x, to.y - from.y),
});

/** `count` + 1 points along the thread, both ends included. */
export const pointsOnThread = (from: Point, to: Point, count: number): readonly Point[] => {
  const middle = sagOf(from, to);
  return Array.from({ length: count + 1 }, (_, index) => {
    const t = index / count;
    const [a, b, c] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
    return {
      x: round(a * from.x + b * middle.x + c * to.x),
      y: round(a * from.y + b * middle.y + c * to.y),
    };
  });
};

export const threadPath = (from: Point, to: Point): string => {
  const middle = sagOf(from, to);
  return `M${round(from.x)} ${round(from.y)}Q${round(middle.x)} ${round(middle.y)} ${round(to.x)} ${round(to.y)}`;
};

const round = (value: number): number => Math.round(value * 10) / 10;
