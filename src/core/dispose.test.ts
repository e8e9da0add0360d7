import { describe, expect, it } from 'vitest';
import { createDisposeStack } from './dispose.ts';

describe('dispose stack', () => {
  it('releases last first, once', async () => {
    const stack = createDisposeStack();
    const released: string[] = [];
    stack.defer(() => void released.push('first'));
    stack.defer(async () => void released.push('second'));
    await Promise.all([stack.dispose(), stack.dispose()]);
    await stack.dispose();
    expect(released).toEqual(['second', 'first']);
    expect(stack.disposed).toBe(true);
  });

  it('releases the rest although one fails, then says which', async () => {
    const stack = createDisposeStack();
    const released: string[] = [];
    stack.defer(() => void released.push('under'));
    stack.defer(() => {
      throw new Error('stuck');
    });
    stack.defer(() => void released.push('over'));
    await expect(stack.dispose()).rejects.toMatchObject({ errors: [new Error('stuck')] });
    expect(released).toEqual(['over', 'under']);
  });

  it('releases at once what comes after the end', async () => {
    const stack = createDisposeStack();
    await stack.dispose();
    let released = false;
    stack.defer(() => {
      released = true;
    });
    expect(released).toBe(true);
  });

  it('survives a resource that disposes of the stack it is on', async () => {
    const stack = createDisposeStack();
    const released: string[] = [];
    stack.defer(() => {
      released.push('under');
      throw new Error('stuck');
    });
    stack.defer(() => {
      released.push('over');
      void stack.dispose();
    });
    await expect(stack.dispose()).rejects.toBeInstanceOf(AggregateError);
    expect(released).toEqual(['over', 'under']);
  });
});
