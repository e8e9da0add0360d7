import { neg } from '../math.ts';
import { gradients, type Rule, unsupported } from '../rule.ts';

/** Pairs are turned by angles: the gradient is turned back. The tables of cosines and sines are frozen. */
const turned =
  (domain: string, cosines: number, sines: number): Rule =>
  (site) => {
    const { e, node } = site;
    const dy = site.grad(0);
    const sin = site.inputs[sines];
    if (dy === undefined || sin === undefined) return gradients();
    if (site.wants(cosines) || site.wants(sines)) return unsupported(site, 'its tables: freeze them');
    const inputs = site.inputs.with(0, dy).with(sines, neg(e, sin));
    return gradients(
      e.emit('RotaryEmbedding', inputs, site.dims(0), { attributes: node.attributes, domain }),
    );
  };

export const rotaryRules: Readonly<Record<string, Rule>> = {
  RotaryEmbedding: turned('', 1, 2),
  'com.microsoft.RotaryEmbedding': turned('com.microsoft', 2, 3),
};
