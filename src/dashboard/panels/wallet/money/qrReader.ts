import { useEffect, useState } from 'react';

type Detector = {
  detect(source: HTMLVideoElement): Promise<readonly { readonly rawValue: string }[]>;
};
/** What browsers that have it offer; not in the DOM's types yet. https://wicg.github.io/shape-detection-api/ */
type DetectorClass = {
  new (options: { readonly formats: readonly string[] }): Detector;
  getSupportedFormats(): Promise<readonly string[]>;
};

const detectorClass = (scope: object = globalThis): DetectorClass | undefined =>
  'BarcodeDetector' in scope && typeof scope.BarcodeDetector === 'function'
    ? (scope.BarcodeDetector as DetectorClass)
    : undefined;

/** Desktop browsers may have the class and no format: only one that reads QR codes counts. */
const canReadCodes = async (): Promise<boolean> => {
  const found = detectorClass();
  if (!found || typeof navigator.mediaDevices?.getUserMedia !== 'function') return false;
  return (await found.getSupportedFormats()).includes('qr_code');
};

export const createQrReader = (): ((video: HTMLVideoElement) => Promise<string | undefined>) | undefined => {
  const found = detectorClass();
  if (!found) return undefined;
  const detector = new found({ formats: ['qr_code'] });
  return async (video) => (await detector.detect(video))[0]?.rawValue;
};

/** Whether a camera may read codes here; false until that is known. */
export const useCanScan = (): boolean => {
  const [can, setCan] = useState(false);
  useEffect(() => {
    let current = true;
    canReadCodes().then(
      (answer) => {
        if (current) setCan(answer);
      },
      () => {},
    );
    return () => {
      current = false;
    };
  }, []);
  return can;
};

export const cameraFaultInWords = (cause: unknown): string => {
  const name = cause instanceof Error ? cause.name : '';
  if (name === 'NotAllowedError')
    return 'The browser refused the camera. Allow it for this page in the address bar, or paste the id.';
  if (name === 'NotFoundError' || name === 'OverconstrainedError')
    return 'No camera was found. Paste the id instead.';
  if (name === 'NotReadableError')
    return 'Another program uses the camera. Close it and try again, or paste the id.';
  return 'The camera could not be opened. Paste the id instead.';
};
