export function findBrowser(): Promise<string | undefined>;
export function ensureBrowser(): Promise<string>;
export const browserFlags: readonly string[];
export const softwareGpuFlags: readonly string[];
