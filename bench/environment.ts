import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { ensureBrowser } from '../scripts/lib/browser.mjs';

/** Numbers of two machines are never compared: a baseline belongs to cores, Node and Chromium. */
export const describeEnvironment = async (): Promise<string> => {
  const version = spawnSync(await ensureBrowser(), ['--version'], { encoding: 'utf8' }).stdout ?? '';
  const chromium = /(\d+)\.\d+\.\d+/.exec(version)?.[1] ?? 'unknown';
  const node = process.versions.node.split('.')[0];
  return `${process.platform}-${process.arch} cores-${availableParallelism()} node-${node} chromium-${chromium}`;
};
