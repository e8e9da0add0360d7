/**
 * Names by which software rasterisers give themselves away: Google's SwiftShader, Mesa's llvmpipe and lavapipe,
 * Microsoft's WARP ("Microsoft Basic Render Driver").
 */
const softwareNames = ['swiftshader', 'llvmpipe', 'lavapipe', 'softpipe', 'basic render', 'warp'];

export const isSoftwareAdapter = (adapter: {
  readonly vendor: string | undefined;
  readonly architecture: string | undefined;
  readonly device: string | undefined;
  readonly description: string | undefined;
  readonly fallback: boolean;
}): boolean => {
  if (adapter.fallback) return true;
  const said = [adapter.vendor, adapter.architecture, adapter.device, adapter.description]
    .join(' ')
    .toLowerCase();
  return softwareNames.some((name) => new RegExp(`\\b${name}\\b`).test(said));
};
