import { expose } from 'comlink';
import { createTfjs } from './tfjs.ts';

expose(createTfjs());
