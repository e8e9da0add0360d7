/**
 * Who may import whom: the table of docs/architecture.md as data. A folder may import the folders listed for it and
 * itself; everything not listed is forbidden. `types` are allowed as type-only imports.
 */
export type LayerRule = { readonly imports: readonly string[]; readonly types?: readonly string[] };

const foundation = ['src/core', 'src/resilience', 'src/storage', 'src/observability'] as const;

export const layers: Readonly<Record<string, LayerRule>> = {
  'src/core': { imports: [] },
  'src/resilience': { imports: ['src/core'] },
  'src/storage': { imports: ['src/core'] },
  'src/observability': { imports: ['src/core', 'src/resilience', 'src/storage'] },
  'src/identity': { imports: ['src/core', 'src/storage'] },
  // Pure: no DOM, no worker, no effect.
  'src/onnx': { imports: ['src/core'] },
  'src/compute': { imports: [...foundation, 'src/onnx'] },
  'src/mesh': { imports: [...foundation, 'src/identity'] },
  'src/inference': {
    imports: [...foundation, 'src/identity', 'src/compute', 'src/mesh'],
    types: ['workers'],
  },
  'src/training': { imports: [...foundation, 'src/onnx', 'src/compute'] },
  // Pure too: every effect is an argument, and the transitions are synchronous.
  'src/ledger': { imports: ['src/core', 'src/storage', 'src/identity'] },
  'src/market': { imports: [...foundation, 'src/identity', 'src/ledger', 'src/mesh'] },
  'src/governance': { imports: [...foundation, 'src/identity', 'src/ledger', 'src/mesh'] },
  'src/admission': { imports: [...foundation, 'src/identity', 'src/mesh'] },
  // Adapters know ports, not the domains behind them; these are the files in which the ports stand.
  'src/platform': {
    imports: ['src/core', 'src/storage'],
    types: [
      'src/identity',
      'src/mesh',
      'src/onnx',
      'src/compute',
      'src/inference',
      'src/admission',
      'src/ledger',
      'workers',
    ],
  },
  'src/app': {
    imports: [
      ...foundation,
      'src/identity',
      'src/compute',
      'src/mesh',
      'src/inference',
      'src/admission',
      'src/ledger',
      'src/market',
      'src/governance',
      // The runbook as text: what to do comes with the page.
      'docs',
      'src/platform',
    ],
    types: ['workers'],
  },
  // The read models are the dashboard's whole contract with the app.
  'src/dashboard': { imports: ['src/core'], types: ['src/app'] },
  'src/main.tsx': { imports: ['src/app', 'src/dashboard', 'src/platform', 'src/core'] },
  workers: {
    imports: [
      ...foundation,
      'src/identity',
      'src/ledger',
      'src/onnx',
      'src/compute',
      'src/inference',
      'src/platform',
    ],
  },
  server: {
    imports: [
      'src/core',
      'src/resilience',
      'src/storage',
      'src/observability',
      'src/identity',
      'src/platform',
      'src/mesh/signaling',
      'src/ledger',
    ],
  },
};

/** Where effects may be performed; everywhere else they are arguments. */
export const effectfulFolders = ['src/platform', 'src/app', 'src/main.tsx', 'workers', 'server'] as const;

/** Globals that perform an effect. `Math.random` is in no list of exceptions: product code never uses it. */
export const effectGlobals = [
  'Date.now',
  'new Date()',
  'performance.now',
  'setTimeout',
  'setInterval',
  'requestAnimationFrame',
  'requestIdleCallback',
  'fetch',
  'XMLHttpRequest',
  'EventSource',
  'WebSocket',
  'Worker',
  'BroadcastChannel',
  'RTCPeerConnection',
  'indexedDB',
  'localStorage',
  'sessionStorage',
  'caches',
  'crypto',
  'navigator',
  'document',
  'location',
  'history',
  'process',
] as const;

/** What the view may touch besides React: each with its reason. */
export const dashboardGlobals: Readonly<Record<string, string>> = {
  navigator: 'clipboard and share sheet are answers to a press of a button, and must run inside it',
  document: 'a view is what draws and listens there',
  history: 'back and forward go through the screens',
  requestAnimationFrame: 'what is drawn is drawn with the frame',
};
