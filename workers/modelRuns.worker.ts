import { exposeApi } from './expose.ts';
import { createModelRunsApi } from './modelRunsApi.ts';
import { openRuntime } from './openRuntime.ts';

exposeApi((openScope) =>
  createModelRunsApi({ openScope, monotonic: () => performance.now(), createRuntime: openRuntime }),
);
