import type { Task } from './job/state.ts';
import type { DetectInput, PackedImage, RecognizeInput } from './ocr/types.ts';

/** The pixels of pages that are being worked on. A task that asks for pixels nobody holds is a bug. */
export const createPageInputs = () => {
  const inputByPage = new Map<number, DetectInput>();
  const linesByPage = new Map<
    number,
    { readonly generation: number; readonly images: Map<number, PackedImage> }
  >();
  const need = <T>(value: T | undefined, task: Pick<Task, 'page'>): T => {
    if (value === undefined) throw new Error(`page ${task.page}: its pixels are not held`);
    return value;
  };
  return {
    hold: (page: number, input: DetectInput) => void inputByPage.set(page, input),
    holdLines(page: number, generation: number, lines: readonly number[], images: readonly PackedImage[]) {
      const known = linesByPage.get(page);
      if (known && known.generation > generation) return;
      const kept = known?.generation === generation ? known.images : new Map<number, PackedImage>();
      lines.forEach((line, at) => {
        const image = images[at];
        if (image) kept.set(line, image);
      });
      linesByPage.set(page, { generation, images: kept });
    },
    detectInput: (page: number): DetectInput => need(inputByPage.get(page), { page }),
    lines: (task: Task): RecognizeInput => ({
      lines: task.lines.map((line) => need(linesByPage.get(task.page)?.images.get(line), task)),
    }),
    release(page: number) {
      inputByPage.delete(page);
      linesByPage.delete(page);
    },
    clear() {
      inputByPage.clear();
      linesByPage.clear();
    },
  };
};
