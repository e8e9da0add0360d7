import type { Rule } from './rule.ts';
import { activationRules } from './rules/activations.ts';
import { channelNormalizationRules } from './rules/channelNormalization.ts';
import { convolutionRules } from './rules/convolution.ts';
import { elementwiseRules, microsoftElementwiseRules } from './rules/elementwise.ts';
import { indexingRules } from './rules/indexing.ts';
import { linearRules } from './rules/linear.ts';
import { movementRules } from './rules/movement.ts';
import { normalizationRules } from './rules/normalization.ts';
import { poolingRules } from './rules/pooling.ts';
import { quantizationRules } from './rules/quantization.ts';
import { reductionRules } from './rules/reduction.ts';
import { rotaryRules } from './rules/rotary.ts';

/** By operator, of ai.onnx unless a domain stands before it. */
const rules: ReadonlyMap<string, Rule> = new Map(
  Object.entries({
    ...elementwiseRules,
    ...microsoftElementwiseRules,
    ...activationRules,
    ...linearRules,
    ...convolutionRules,
    ...poolingRules,
    ...normalizationRules,
    ...channelNormalizationRules,
    ...rotaryRules,
    ...reductionRules,
    ...movementRules,
    ...indexingRules,
    ...quantizationRules,
  }),
);

export const ruleOf = (op: string, domain: string): Rule | undefined =>
  rules.get(domain === '' || domain === 'ai.onnx' ? op : `${domain}.${op}`);

/** What has a gradient, for whoever asks. */
export const differentiableOps: readonly string[] = [...rules.keys()].toSorted();
