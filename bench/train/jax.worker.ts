import { expose } from 'comlink';
import { createJax } from './jax.ts';

expose(createJax());
