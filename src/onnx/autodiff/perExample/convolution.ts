import { int, ints } from '../../ir/attributes.ts';
import type { Attributes, Dims, Emitter, Name } from '../emitter.ts';
import { sizeOf } from '../emitter.ts';
import { reshape, slice, transpose } from '../math.ts';
import type { Window } from '../rules/convolution.ts';

/** The last axes stay, the first two change places. */
const swap = (e: Emitter, x: Name): Name => {
  const rank = e.dims(x).length;
  return transpose(e, x, [1, 0, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2)]);
};

const attributesOf = (
  { before, after }: Window,
  strides: Dims,
  dilations: Dims,
  group: number,
): Attributes => ({
  strides: ints(...strides),
  dilations: ints(...dilations),
  pads: ints(...before, ...after),
  group: int(group),
});

/**
 * What each window sees, [images, windows, channels · kernel]: a convolution of every channel by itself, with one kernel for
 * each place in the window, of zeros and a one there.
 */
export const patchesOf = (e: Emitter, x: Name, window: Window, output: Dims): Name => {
  const [images = 1, channels = 1] = e.dims(x);
  const places = sizeOf(window.kernel);
  const oneHot = new Float32Array(channels * places * places);
  for (let at = 0; at < channels * places; at++) oneHot[at * places + (at % places)] = 1;
  const kernel = e.floats([channels * places, 1, ...window.kernel], oneHot);
  const seen = e.emit('Conv', [x, kernel], [images, channels * places, ...output], {
    attributes: attributesOf(window, window.strides, window.dilations, channels),
  });
  return transpose(e, reshape(e, seen, [images, channels * places, sizeOf(output)]), [0, 2, 1]);
};

/**
 * The gradient of the kernel, of each image by itself: [images, …kernel]. As of all images together (`rules/convolution.ts`) a
 * convolution of x with dy as its kernel, with every image a group.
 */
export const kernelsByImage = (
  e: Emitter,
  x: Name,
  dy: Name,
  window: Window,
  group: number,
  kernel: Dims,
): Name => {
  const [images = 1, channels = 1, ...size] = e.dims(x);
  const [, outputs = 1, ...output] = e.dims(dy);
  const image = swap(e, reshape(e, x, [images * group, channels / group, ...size]));
  const filter = reshape(e, dy, [images * outputs, 1, ...output]);
  const spatial = size.map((length, axis) => {
    const reach = ((output[axis] ?? 1) - 1) * (window.strides[axis] ?? 1) + 1;
    const room = length + (window.before[axis] ?? 0) + (window.after[axis] ?? 0) - reach;
    return Math.floor(room / (window.dilations[axis] ?? 1)) + 1;
  });
  const all = e.emit('Conv', [image, filter], [channels / group, images * outputs, ...spatial], {
    attributes: attributesOf(window, window.dilations, window.strides, images * group),
  });
  const parts = window.kernel.map((length, axis) => ({ axis: axis + 2, start: 0, length }));
  return reshape(e, swap(e, slice(e, all, parts)), [images, ...kernel]);
};
