import { exposeApi } from './expose.ts';
import { createImageApi } from './imageApi.ts';

exposeApi(createImageApi);
