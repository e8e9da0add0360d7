import { ok, type Result } from '../../core/result.ts';
import type { OnnxFault } from '../fault.ts';
import { decoderParameters } from './decoder/parameters.ts';
import { checkDecoder, type DecoderSpec } from './decoder/spec.ts';
import { checkFedAvgCnn, type FedAvgCnnSpec, fedAvgCnnParameters } from './fedAvgCnn.ts';
import { checkMlp, type MlpSpec, mlpParameters } from './mlp.ts';
import { type Parameter, sizeOf } from './parameters.ts';
import { checkResNet, type ResNetSpec, resNetParameters } from './resNet.ts';
import { checkTextClassifier, type TextClassifierSpec, textClassifierParameters } from './textClassifier.ts';

/** What can be built. */
export type ModelSpec = MlpSpec | FedAvgCnnSpec | ResNetSpec | TextClassifierSpec | DecoderSpec;

/** A model's parameters without their values, in order: enough to count, to name and to shard. */
export const describeParameters = (spec: ModelSpec): Result<readonly Parameter[], OnnxFault> => {
  const checked = check(spec);
  return checked.ok ? ok(list(spec)) : checked;
};

/** Without building: a tied embedding counts once, constants and caches of rotations don't count. */
export const countParameters = (spec: ModelSpec): Result<number, OnnxFault> => {
  const parameters = describeParameters(spec);
  return parameters.ok ? ok(sizeOf(parameters.value)) : parameters;
};

const check = (spec: ModelSpec): Result<void, OnnxFault> => {
  switch (spec.family) {
    case 'mlp':
      return checkMlp(spec);
    case 'fedavg-cnn':
      return checkFedAvgCnn(spec);
    case 'resnet':
      return checkResNet(spec);
    case 'text-classifier':
      return checkTextClassifier(spec);
    case 'decoder':
      return checkDecoder(spec);
    default:
      return spec satisfies never;
  }
};

const list = (spec: ModelSpec): readonly Parameter[] => {
  switch (spec.family) {
    case 'mlp':
      return mlpParameters(spec);
    case 'fedavg-cnn':
      return fedAvgCnnParameters(spec);
    case 'resnet':
      return resNetParameters(spec);
    case 'text-classifier':
      return textClassifierParameters(spec);
    case 'decoder':
      return decoderParameters(spec);
    default:
      return spec satisfies never;
  }
};
