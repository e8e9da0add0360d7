import type { OpenSocket } from '../../mesh/ports.ts';

export const openBrowserSocket: OpenSocket = (url, on) => {
  const socket = new WebSocket(url);
  socket.binaryType = 'arraybuffer';
  socket.addEventListener('open', () => on.open());
  socket.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (data instanceof ArrayBuffer) on.message(new Uint8Array(data));
  });
  socket.addEventListener('close', () => on.closed());
  return {
    send(message) {
      if (socket.readyState === WebSocket.OPEN) socket.send(message);
    },
    bufferedAmount: () => socket.bufferedAmount,
    close: () => socket.close(),
  };
};
