import * as v from 'valibot';
import { parseWith } from '../core/schema.ts';

const indexSchema = v.array(
  v.object({ file: v.pipe(v.string(), v.regex(/^[\w-]+\.(png|jpg|webp)$/)), title: v.string() }),
);

/** The bundled sample pages, so that a first visitor has something to drop. */
export const loadSamples = async (): Promise<readonly File[]> => {
  const index = parseWith(indexSchema, await (await fetchOk('/samples/index.json')).json());
  if (!index.ok) throw new Error(`the list of samples is damaged: ${index.error.message}`);
  return Promise.all(
    index.value.map(async ({ file }) => {
      const blob = await (await fetchOk(`/samples/${file}`)).blob();
      return new File([blob], file, { type: blob.type });
    }),
  );
};

const fetchOk = async (url: string): Promise<Response> => {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
};
