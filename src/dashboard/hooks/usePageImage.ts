import { useEffect, useState } from 'react';
import type { JobId } from '../../core/brand.ts';
import { useApp } from './useApp.ts';

export type PageImage =
  | { readonly phase: 'loading' }
  | { readonly phase: 'ready'; readonly url: string }
  | { readonly phase: 'missing' };

/** A page's file as an address for `<img>`; the address is given back when nobody shows it any more. */
export const usePageImage = (job: JobId, page: number): PageImage => {
  const { commands } = useApp();
  const [image, setImage] = useState<PageImage>({ phase: 'loading' });
  useEffect(() => {
    let current = true;
    let url: string | undefined;
    setImage({ phase: 'loading' });
    const show = (file: Blob | undefined) => {
      if (!current) return;
      url = file && URL.createObjectURL(file);
      setImage(url ? { phase: 'ready', url } : { phase: 'missing' });
    };
    commands.pageFile(job, page).then(show, () => show(undefined));
    return () => {
      current = false;
      if (url) URL.revokeObjectURL(url);
    };
  }, [commands, job, page]);
  return image;
};

/** Addresses for files that are not sent yet. */
export const useFileUrls = (files: readonly File[]): readonly string[] => {
  const [urls, setUrls] = useState<readonly string[]>([]);
  useEffect(() => {
    const made = files.map((file) => URL.createObjectURL(file));
    setUrls(made);
    return () => {
      for (const url of made) URL.revokeObjectURL(url);
    };
  }, [files]);
  return urls;
};
