import { createApp } from './app/createApp.ts';
import { mountDashboard } from './dashboard/index.ts';
import { whyNoEd25519 } from './platform/browser/crypto.ts';

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');

const start = async (): Promise<void> => {
  const unsupported = await whyNoEd25519();
  if (unsupported) throw new Error(unsupported);
  const app = await createApp();
  mountDashboard(root, app);
  // For whoever builds on the swarm, from the console or a script of their own: docs/p2p.md.
  Object.assign(globalThis, { aivillage: { p2p: app.p2p, telemetry: app.telemetry } });
};

start().catch((cause: unknown) => {
  // The one page that must not depend on anything that may be broken.
  root.textContent = `AIVillage can not start here. ${cause instanceof Error ? cause.message : String(cause)}`;
  root.setAttribute('role', 'alert');
});
