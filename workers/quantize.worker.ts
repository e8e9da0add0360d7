import { openScratchOutput } from '../src/platform/browser/scratchFiles.ts';
import { exposeApi } from './expose.ts';
import { createQuantizeApi } from './quantizeApi.ts';

exposeApi((openScope) =>
  createQuantizeApi({ openScope, monotonic: () => performance.now(), openOutput: openScratchOutput }),
);
