import { expose } from 'comlink';
import { createOurs } from './ours.ts';

expose(createOurs());
