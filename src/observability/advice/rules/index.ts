import { cardinalityRule, longTasksRule } from './device.ts';
import { failingCallsRule, linksRule, reconnectsRule, slowPeerRule } from './network.ts';
import { recoveryRule } from './recovery.ts';
import type { Rule } from './rule.ts';
import { cacheRule, gpuRule, hedgingRule, queueRule, reassignedRule, workersRule } from './work.ts';

export const rules: readonly Rule[] = [
  hedgingRule,
  reassignedRule,
  queueRule,
  workersRule,
  gpuRule,
  cacheRule,
  failingCallsRule,
  slowPeerRule,
  linksRule,
  reconnectsRule,
  longTasksRule,
  cardinalityRule,
  recoveryRule,
];
