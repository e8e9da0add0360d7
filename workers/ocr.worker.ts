import { exposeApi } from './expose.ts';
import { createOcrApi } from './ocrApi.ts';
import { openRuntime } from './openRuntime.ts';

exposeApi((openScope) =>
  createOcrApi({ openScope, monotonic: () => performance.now(), createRuntime: openRuntime }),
);
