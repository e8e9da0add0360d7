/** Timers on behalf of the page (see src/platform/browser/timers.ts). Posts a timer's id whenever it is due. */
type Command =
  | { readonly start: { readonly id: number; readonly delay: number; readonly repeat: boolean } }
  | { readonly stop: number };

const handlesById = new Map<number, ReturnType<typeof setTimeout>>();

addEventListener('message', ({ data }: MessageEvent<Command>) => {
  if ('stop' in data) {
    clearTimeout(handlesById.get(data.stop));
    handlesById.delete(data.stop);
    return;
  }
  const { id, delay, repeat } = data.start;
  const fire = () => {
    if (!repeat) handlesById.delete(id);
    postMessage(id);
  };
  handlesById.set(id, repeat ? setInterval(fire, delay) : setTimeout(fire, delay));
});
