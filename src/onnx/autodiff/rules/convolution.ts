import { ok, type Result } from '../../../core/result.ts';
import type { OnnxFault } from '../../fault.ts';
import { int, ints } from '../../ir/attributes.ts';
import type { Attributes, Dims, Name } from '../emitter.ts';
import { reshape, slice, sum, transpose } from '../math.ts';
import { gradients, type Rule, type Site, unsupported } from '../rule.ts';

/** Of the spatial axes: x and the kernel are [N, C, …spatial] and [M, C/groups, …spatial]. */
export type Window = {
  readonly kernel: Dims;
  readonly strides: Dims;
  readonly dilations: Dims;
  readonly before: Dims;
  readonly after: Dims;
};

/** How a node looks at its input, with `auto_pad` worked out (ONNX, Conv). */
export const windowOf = (
  { attribute }: Pick<Site, 'attribute'>,
  sizes: { readonly input: Dims; readonly output: Dims; readonly kernel: Dims },
): Window => {
  const rank = sizes.input.length;
  const ones = Array.from({ length: rank }, () => 1);
  const strides = attribute.ints('strides') ?? ones;
  const dilations = attribute.ints('dilations') ?? ones;
  const auto = attribute.text('auto_pad', 'NOTSET');
  const given = attribute.ints('pads') ?? [];
  const same = sizes.input.map((size, axis) => {
    const reach = ((sizes.kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;
    return Math.max(0, ((sizes.output[axis] ?? 1) - 1) * (strides[axis] ?? 1) + reach - size);
  });
  const half = (total: number, more: boolean) => (more ? Math.ceil(total / 2) : Math.floor(total / 2));
  const padsOf = (end: 0 | 1): Dims => {
    if (auto === 'SAME_UPPER') return same.map((total) => half(total, end === 1));
    if (auto === 'SAME_LOWER') return same.map((total) => half(total, end === 0));
    if (auto === 'VALID') return ones.map(() => 0);
    return ones.map((_, axis) => given[axis + end * rank] ?? 0);
  };
  return { kernel: sizes.kernel, strides, dilations, before: padsOf(0), after: padsOf(1) };
};

/** One input element reaches so far. */
const spanOf = ({ kernel, dilations }: Window, axis: number): number =>
  ((kernel[axis] ?? 1) - 1) * (dilations[axis] ?? 1) + 1;

/**
 * dx is the transposed convolution of dy with the same kernel. What lies beyond the last window that fits was not looked at:
 * `output_padding` gives it back, as zeros.
 */
export const gradientOfInput = (
  site: Site,
  dy: Name,
  kernel: Name,
  window: Window,
  group: number,
  dims: Dims,
): Name => {
  const output = site.e.dims(dy).slice(2);
  const beyond = dims.slice(2).map((size, axis) => {
    const seen = ((output[axis] ?? 1) - 1) * (window.strides[axis] ?? 1) + spanOf(window, axis);
    return size + (window.before[axis] ?? 0) + (window.after[axis] ?? 0) - seen;
  });
  const attributes: Attributes = {
    strides: ints(...window.strides),
    dilations: ints(...window.dilations),
    pads: ints(...window.before, ...window.after),
    output_padding: ints(...beyond),
    group: int(group),
  };
  return site.e.emit('ConvTranspose', [dy, kernel], dims, { attributes });
};

/**
 * dW[m, c, k] = Σ over n and positions p of dy[n, m, p]·x[n, c, p·stride + k·dilation]: a convolution of x with dy as its kernel,
 * batch and channels changed places, stride and dilation as well. What it gives beyond the kernel is cut off.
 */
const gradientOfKernel = (site: Site, x: Name, dy: Name, window: Window): Name => {
  const { e } = site;
  const swap = (value: Name) => {
    const rank = e.dims(value).length;
    return transpose(e, value, [1, 0, ...Array.from({ length: rank - 2 }, (_, axis) => axis + 2)]);
  };
  const [image, filter] = [swap(x), swap(dy)];
  const [imageDims, filterDims] = [e.dims(image), e.dims(filter)];
  const spatial = imageDims.slice(2).map((size, axis) => {
    const reach = ((filterDims[axis + 2] ?? 1) - 1) * (window.strides[axis] ?? 1) + 1;
    const room = size + (window.before[axis] ?? 0) + (window.after[axis] ?? 0) - reach;
    return Math.floor(room / (window.dilations[axis] ?? 1)) + 1;
  });
  const result = e.emit('Conv', [image, filter], [imageDims[0] ?? 1, filterDims[0] ?? 1, ...spatial], {
    attributes: {
      strides: ints(...window.dilations),
      dilations: ints(...window.strides),
      pads: ints(...window.before, ...window.after),
    },
  });
  const cut = slice(
    e,
    result,
    window.kernel.map((length, axis) => ({ axis: axis + 2, start: 0, length })),
  );
  return swap(cut);
};

const maxGroups = 64;

const gradientOfKernels = (
  site: Site,
  x: Name,
  dy: Name,
  window: Window,
  group: number,
): Result<Name, OnnxFault> => {
  const { e } = site;
  if (group === 1) return ok(gradientOfKernel(site, x, dy, window));
  if (group > maxGroups) return unsupported(site, `the kernel of ${group} groups: at most ${maxGroups}`);
  const part = (value: Name, index: number) => {
    const channels = (e.dims(value)[1] ?? 0) / group;
    return slice(e, value, [{ axis: 1, start: index * channels, length: channels }]);
  };
  const kernels = Array.from({ length: group }, (_, index) =>
    gradientOfKernel(site, part(x, index), part(dy, index), window),
  );
  return ok(e.emit('Concat', kernels, site.dims(1), { attributes: { axis: int(0) } }));
};

const conv: Rule = (site) => {
  const { e } = site;
  const [x, kernel] = site.inputs;
  const dy = site.grad(0);
  if (x === undefined || kernel === undefined || dy === undefined) return gradients();
  const group = site.attribute.int('group', 1);
  const window = windowOf(site, {
    input: site.dims(0).slice(2),
    output: site.outputDims.slice(2),
    kernel: site.dims(1).slice(2),
  });
  const dKernel = site.wants(1) ? gradientOfKernels(site, x, dy, window, group) : ok(undefined);
  if (!dKernel.ok) return dKernel;
  const axes = site.outputDims.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  return gradients(
    site.wants(0) ? gradientOfInput(site, dy, kernel, window, group, site.dims(0)) : undefined,
    dKernel.value,
    site.wants(2) ? reshape(e, sum(e, dy, axes, false), site.dims(2)) : undefined,
  );
};

/** How a ConvTranspose places its kernel: pads follow from the output's size where that is asked for (ONNX, ConvTranspose). */
const transposedWindow = (site: Site): Window => {
  const { attribute } = site;
  const [input, output] = [site.dims(0).slice(2), site.outputDims.slice(2)];
  const window = windowOf(site, { input, output, kernel: site.dims(1).slice(2) });
  const auto = attribute.text('auto_pad', 'NOTSET');
  if (!auto.startsWith('SAME') && !attribute.ints('output_shape')) return window;
  const padding = attribute.ints('output_padding') ?? [];
  const totals = input.map((size, axis) => {
    const full = (size - 1) * (window.strides[axis] ?? 1) + (padding[axis] ?? 0) + spanOf(window, axis);
    return full - (output[axis] ?? 0);
  });
  const before = totals.map((total) =>
    auto === 'SAME_UPPER' ? Math.floor(total / 2) : total - Math.floor(total / 2),
  );
  return { ...window, before, after: totals.map((total, axis) => total - (before[axis] ?? 0)) };
};

/**
 * dx is the convolution of dy with the same kernel. Where `output_padding` made room for one more window than there were
 * elements, what it sees is cut off.
 */
const gradientOfNarrow = (
  site: Site,
  dy: Name,
  kernel: Name,
  window: Window,
  group: number,
  dims: Dims,
): Name => {
  const { e } = site;
  const spatial = site.outputDims.slice(2).map((size, axis) => {
    const room = size + (window.before[axis] ?? 0) + (window.after[axis] ?? 0) - spanOf(window, axis);
    return Math.floor(room / (window.strides[axis] ?? 1)) + 1;
  });
  const attributes: Attributes = {
    strides: ints(...window.strides),
    dilations: ints(...window.dilations),
    pads: ints(...window.before, ...window.after),
    group: int(group),
  };
  const result = e.emit('Conv', [dy, kernel], [...dims.slice(0, 2), ...spatial], { attributes });
  return slice(
    e,
    result,
    dims.slice(2).map((length, axis) => ({ axis: axis + 2, start: 0, length })),
  );
};

/** The adjoint of a convolution: x is what that would give, y what it would look at, and so its kernel's gradient is this one's. */
const convTranspose: Rule = (site) => {
  const { e } = site;
  const [x, kernel] = site.inputs;
  const dy = site.grad(0);
  if (x === undefined || kernel === undefined || dy === undefined) return gradients();
  const group = site.attribute.int('group', 1);
  const window = transposedWindow(site);
  if ([...window.before, ...window.after].some((pad) => pad < 0))
    return unsupported(
      site,
      `an output_shape of [${site.outputDims.slice(2)}], beyond what the kernel reaches`,
    );
  const dKernel = site.wants(1) ? gradientOfKernels(site, dy, x, window, group) : ok(undefined);
  if (!dKernel.ok) return dKernel;
  const axes = site.outputDims.flatMap((_, axis) => (axis === 1 ? [] : [axis]));
  return gradients(
    site.wants(0) ? gradientOfNarrow(site, dy, kernel, window, group, site.dims(0)) : undefined,
    dKernel.value,
    site.wants(2) ? reshape(e, sum(e, dy, axes, false), site.dims(2)) : undefined,
  );
};

export const convolutionRules: Readonly<Record<string, Rule>> = { Conv: conv, ConvTranspose: convTranspose };
