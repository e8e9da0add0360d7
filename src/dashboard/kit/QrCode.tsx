import { useEffect, useState } from 'react';
import './qrCode.css';

/** Dark on light in both themes: many cameras can't read the reverse. */
export const QrCode = ({ text, label }: { readonly text: string; readonly label: string }) => {
  const [code, setCode] = useState<{ readonly path: string; readonly size: number }>();
  useEffect(() => {
    let current = true;
    void import('uqr').then(({ encode }) => {
      const { data, size } = encode(text, { border: 2 });
      const path = data
        .map((row, y) => row.map((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : '')).join(''))
        .join('');
      if (current) setCode({ path, size });
    });
    return () => {
      current = false;
    };
  }, [text]);
  return (
    <div className="qr">
      {code ? (
        <svg
          viewBox={`0 0 ${code.size} ${code.size}`}
          role="img"
          aria-label={label}
          shapeRendering="crispEdges"
        >
          <path d={code.path} />
        </svg>
      ) : null}
    </div>
  );
};
