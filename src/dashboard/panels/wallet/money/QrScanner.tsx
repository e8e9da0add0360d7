import { useEffect, useRef, useState } from 'react';
import { milliseconds } from '../../../../core/brand.ts';
import { useApp } from '../../../hooks/useApp.ts';
import { Button } from '../../../kit/Button.tsx';
import { Notice } from '../../../kit/Notice.tsx';
import { cameraFaultInWords, createQrReader } from './qrReader.ts';

const lookEvery = milliseconds(250);

/** The camera's picture until a code was read; the camera goes off with it. */
export const QrScanner = ({
  onRead,
  onCancel,
}: {
  readonly onRead: (text: string) => void;
  readonly onCancel: () => void;
}) => {
  const { timers } = useApp();
  const video = useRef<HTMLVideoElement>(null);
  const [error, setError] = useState<string>();
  const read = useRef(onRead);
  useEffect(() => {
    read.current = onRead;
  }, [onRead]);
  useEffect(() => {
    let current = true;
    let stream: MediaStream | undefined;
    let stopLooking = () => {};
    const stop = () => {
      current = false;
      stopLooking();
      for (const track of stream?.getTracks() ?? []) track.stop();
    };
    const begin = async () => {
      const opened = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
      stream = opened;
      const target = video.current;
      const look = createQrReader();
      if (!current || !target || !look) return stop();
      target.srcObject = opened;
      await target.play();
      let looking = false;
      if (!current) return;
      stopLooking = timers.every(lookEvery, () => {
        if (looking) return;
        looking = true;
        look(target)
          // A frame that is not there yet is no failure: the next one will be.
          .catch(() => undefined)
          .then((text) => {
            looking = false;
            if (!current || text === undefined) return;
            stop();
            read.current(text);
          });
      });
    };
    begin().catch((cause: unknown) => {
      if (current) setError(cameraFaultInWords(cause));
    });
    return stop;
  }, [timers]);
  return (
    <div className="scanner">
      {error ? (
        <Notice tone="warn" title="No picture.">
          {error}
        </Notice>
      ) : (
        <>
          <video ref={video} muted playsInline aria-label="What the camera sees" />
          <p className="quiet" role="status">
            Hold the other device’s code into the picture.
          </p>
        </>
      )}
      <div className="bar">
        <Button look="plain" icon="back" onClick={onCancel}>
          Back
        </Button>
      </div>
    </div>
  );
};
