/** Owned resources go on one stack and are released once, last first, even if one of them throws. */
export interface DisposeStack {
  readonly disposed: boolean;
  /** Runs at once if the stack is already disposed, so that nothing leaks after a late await. */
  defer(release: () => void | Promise<void>): void;
  dispose(): Promise<void>;
}

export const createDisposeStack = (): DisposeStack => {
  const releases: (() => void | Promise<void>)[] = [];
  let ending: Promise<void> | undefined;
  const releaseAll = async (): Promise<void> => {
    const errors: unknown[] = [];
    for (let release = releases.pop(); release; release = releases.pop()) {
      try {
        await release();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'some resources could not be released');
  };
  return {
    get disposed() {
      return ending !== undefined;
    },
    defer(release) {
      if (ending) void release();
      else releases.push(release);
    },
    dispose() {
      if (!ending) {
        // Set before the first release runs: a resource may dispose of the stack it is on.
        let start = () => {};
        ending = new Promise<void>((resolve) => {
          start = () => resolve(releaseAll());
        });
        start();
      }
      return ending;
    },
  };
};
