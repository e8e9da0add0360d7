import { describe, expect, it } from 'vitest';
import { createEmitter, createStore, follow } from './events.ts';

describe('emitter', () => {
  it('tells in order of subscription, and each subscription once', () => {
    const emitter = createEmitter<number>();
    const heard: string[] = [];
    const listener = (value: number) => void heard.push(`same ${value}`);
    const stopFirst = emitter.subscribe(listener);
    emitter.subscribe(listener);
    emitter.subscribe((value) => heard.push(`other ${value}`));
    emitter.emit(1);
    stopFirst();
    stopFirst();
    emitter.emit(2);
    expect(heard).toEqual(['same 1', 'same 1', 'other 1', 'same 2', 'other 2']);
  });

  it('reports a listener that throws and goes on', () => {
    const errors: unknown[] = [];
    const emitter = createEmitter<number>((error) => errors.push(error));
    const heard: number[] = [];
    emitter.subscribe(() => {
      throw new Error('broken');
    });
    emitter.subscribe((value) => heard.push(value));
    emitter.emit(7);
    expect(heard).toEqual([7]);
    expect(errors).toEqual([new Error('broken')]);
  });

  it('says nothing to those who left, even while it speaks', () => {
    const emitter = createEmitter<number>();
    const heard: number[] = [];
    let stop = () => {};
    emitter.subscribe(() => stop());
    stop = emitter.subscribe((value) => heard.push(value));
    emitter.emit(1);
    expect(heard).toEqual([]);
  });

  it('says nothing of now to those who come while it speaks', () => {
    const emitter = createEmitter<number>();
    const heard: number[] = [];
    const stop = emitter.subscribe(() => {
      stop();
      emitter.subscribe((value) => heard.push(value));
    });
    emitter.emit(1);
    emitter.emit(2);
    expect(heard).toEqual([2]);
  });
});

describe('store', () => {
  it('tells of changes and of nothing else', () => {
    const store = createStore({ n: 0 });
    const heard: number[] = [];
    store.subscribe(({ n }) => heard.push(n));
    const next = { n: 1 };
    store.set(next);
    store.set(next);
    store.update((current) => current);
    store.update(({ n }) => ({ n: n + 1 }));
    expect(heard).toEqual([1, 2]);
    expect(store.get()).toEqual({ n: 2 });
  });

  it('never tells an older value last, although a listener changes it', () => {
    const store = createStore(0);
    store.subscribe((value) => {
      if (value === 1) store.set(2);
    });
    let last = 0;
    store.subscribe((value) => {
      last = value;
    });
    store.set(1);
    expect(last).toBe(2);
  });

  it('tells a follower what it missed, then what changes, until it leaves', () => {
    const store = createStore('before');
    store.set('missed');
    const heard: string[] = [];
    const stop = follow(store, (value) => heard.push(value));
    store.set('later');
    stop();
    store.set('unheard');
    expect(heard).toEqual(['missed', 'later']);
  });
});
