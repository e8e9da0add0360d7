import type { DetectOutput, Quad, RecognizedLine } from '../ocr/types.ts';
import type { AnswerValue } from './state.ts';

/**
 * What two answers to one task say together.
 *
 * `same`: they agree. `different`: one of them is wrong. `unsure`: they differ only where both said themselves that
 * they could hardly read it, which honest devices do (their runtimes round differently); `merged` keeps the more
 * confident reading of each line and nobody is blamed. A liar gains little from that door: it opens only on lines that
 * the honest side can't read either, and a doubtful line read by this device itself stands (see compareWithSecond).
 */
export type Comparison =
  | { readonly result: 'same' }
  | { readonly result: 'different' }
  | { readonly result: 'unsure'; readonly merged: AnswerValue };

/** Below this a line counts as hardly readable. */
export const doubtfulConfidence = 0.6;
/** Two boxes are the same box from here on (the usual bar of text detection is 0.5; same model, same input: more). */
const sameBoxIoU = 0.7;
/** The detector drops boxes under a score of 0.6; near it, rounding decides whether one appears. */
const doubtfulScore = 0.65;
/** Of all surely seen boxes, the share that may be cut differently: one here, two there. */
const recutShare = 0.1;

export const compareAnswers = (a: AnswerValue, b: AnswerValue): Comparison => {
  if (a.kind === 'ocr.detect' && b.kind === 'ocr.detect') {
    return { result: sameBoxes(a.output, b.output) ? 'same' : 'different' };
  }
  if (a.kind === 'ocr.recognize' && b.kind === 'ocr.recognize') return compareLines(a.lines, b.lines);
  throw new Error(`answers of ${a.kind} and ${b.kind} can't be compared`);
};

const compareLines = (a: readonly RecognizedLine[], b: readonly RecognizedLine[]): Comparison => {
  if (a.length !== b.length) return { result: 'different' };
  const pairs = a.flatMap((line, index) => {
    const other = b[index];
    return other ? [[line, other] as const] : [];
  });
  const differing = pairs.filter(([line, other]) => line.text !== other.text);
  if (differing.length === 0) return { result: 'same' };
  const honest = differing.every((pair) => pair.every(({ confidence }) => confidence < doubtfulConfidence));
  if (!honest) return { result: 'different' };
  const lines = pairs.map(([line, other]) => (other.confidence > line.confidence ? other : line));
  return { result: 'unsure', merged: { kind: 'ocr.recognize', lines } };
};

/**
 * Rounding can cut one line into two boxes, or make a faint box appear; it can't lose a line. So nearly all boxes have
 * a partner, and the rest must at least be covered by the other side's boxes: to leave out one line is a lie.
 */
const sameBoxes = (a: DetectOutput, b: DetectOutput): boolean => {
  const sure = [...a.boxes, ...b.boxes].filter(({ score }) => score >= doubtfulScore).length;
  const free = new Set(b.boxes);
  const alone = a.boxes.filter((box) => {
    const partner = [...free].find((other) => quadIoU(box.quad, other.quad) >= sameBoxIoU);
    return !partner || !free.delete(partner);
  });
  const recut = [
    ...alone.map((box) => ({ box, others: b.boxes })),
    ...[...free].map((box) => ({ box, others: a.boxes })),
  ].filter(({ box }) => box.score >= doubtfulScore);
  const covered = recut.every(({ box, others }) => coverage(box.quad, others) >= sameBoxIoU);
  return covered && recut.length <= Math.floor(sure * recutShare);
};

/** The share of a quad that the boxes of the other side cover; they don't overlap each other. */
const coverage = (quad: Quad, others: DetectOutput['boxes']): number => {
  const area = polygonArea(toPoints(quad));
  const shared = others.reduce(
    (sum, other) => sum + polygonArea(clipPolygon(toPoints(quad), toPoints(other.quad))),
    0,
  );
  return area > 0 ? shared / area : 0;
};

/** Intersection over union of two convex quads. */
export const quadIoU = (a: Quad, b: Quad): number => {
  const first = toPoints(a);
  const second = toPoints(b);
  const shared = polygonArea(clipPolygon(first, second));
  const union = polygonArea(first) + polygonArea(second) - shared;
  return union > 0 ? shared / union : 0;
};

type Point = readonly [x: number, y: number];
const toPoints = ([x0, y0, x1, y1, x2, y2, x3, y3]: Quad): readonly Point[] => {
  const points: readonly Point[] = [
    [x0, y0],
    [x1, y1],
    [x2, y2],
    [x3, y3],
  ];
  return signedArea(points) < 0 ? [...points].reverse() : points;
};
const signedArea = (points: readonly Point[]): number =>
  points.reduce((sum, [x, y], index) => {
    const [nextX, nextY] = points[(index + 1) % points.length] ?? [x, y];
    return sum + (x * nextY - nextX * y) / 2;
  }, 0);
const polygonArea = (points: readonly Point[]): number => Math.abs(signedArea(points));

/** Sutherland and Hodgman, "Reentrant polygon clipping", CACM 17(1), 1974. Both polygons turn the same way. */
const clipPolygon = (subject: readonly Point[], clip: readonly Point[]): readonly Point[] => {
  let output = subject;
  clip.forEach((from, index) => {
    const to = clip[(index + 1) % clip.length] ?? from;
    const input = output;
    const side = ([x, y]: Point): number =>
      (to[0] - from[0]) * (y - from[1]) - (to[1] - from[1]) * (x - from[0]);
    output = input.flatMap((point, at) => {
      const previous = input[(at + input.length - 1) % input.length] ?? point;
      const here = side(point);
      const before = side(previous);
      const crossing = here >= 0 === before >= 0 ? [] : [between(previous, point, before / (before - here))];
      return here >= 0 ? [...crossing, point] : crossing;
    });
  });
  return output;
};
const between = ([ax, ay]: Point, [bx, by]: Point, t: number): Point => [
  ax + (bx - ax) * t,
  ay + (by - ay) * t,
];
