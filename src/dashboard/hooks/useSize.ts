import { type RefObject, useLayoutEffect, useState } from 'react';

/** The content box of an element; undefined until it was laid out once. */
export const useSize = (
  ref: RefObject<HTMLElement | null>,
): { readonly width: number; readonly height: number } | undefined => {
  const [size, setSize] = useState<{ readonly width: number; readonly height: number }>();
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return;
    const measure = () => {
      const width = Math.round(element.clientWidth);
      const height = Math.round(element.clientHeight);
      setSize((last) => (last?.width === width && last.height === height ? last : { width, height }));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [ref]);
  return size;
};
