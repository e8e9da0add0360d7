import { memo } from 'react';

/** The village itself: three hills and its houses. Only a picture, never drawn anew; nothing here stands for anything. */
export const Ridges = memo(() => (
  <svg
    className="ridges"
    viewBox="0 0 1440 220"
    preserveAspectRatio="xMidYMax slice"
    aria-hidden="true"
    focusable="false"
  >
    <path className="ridge-1" d="M0 118C150 70 330 66 500 104S820 58 1010 82 1290 124 1440 76V220H0z" />
    <path className="ridge-2" d="M0 152C170 116 300 120 450 146S760 118 930 142 1250 164 1440 128V220H0z" />
    {houses.map((house) => (
      <House key={house.x} {...house} />
    ))}
    <path className="ridge-3" d="M0 186C240 158 420 180 640 184S1100 168 1440 188V220H0z" />
  </svg>
));

type HousePlace = {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly windows: number;
};

const houses: readonly HousePlace[] = [
  { x: 96, y: 172, width: 40, height: 32, windows: 2 },
  { x: 152, y: 178, width: 30, height: 26, windows: 1 },
  { x: 372, y: 180, width: 44, height: 34, windows: 2 },
  { x: 430, y: 184, width: 26, height: 58, windows: 1 },
  { x: 470, y: 186, width: 36, height: 28, windows: 1 },
  { x: 668, y: 188, width: 34, height: 28, windows: 1 },
  { x: 716, y: 188, width: 46, height: 36, windows: 2 },
  { x: 778, y: 187, width: 30, height: 26, windows: 1 },
  { x: 1000, y: 180, width: 38, height: 32, windows: 2 },
  { x: 1052, y: 180, width: 30, height: 26, windows: 1 },
  { x: 1262, y: 180, width: 46, height: 34, windows: 2 },
  { x: 1322, y: 182, width: 32, height: 28, windows: 1 },
];

const House = ({ x, y, width, height, windows }: HousePlace) => {
  const eaves = y - height * 0.6;
  return (
    <g>
      <path
        className="house"
        d={`M${x} ${y + 8}V${eaves}h-3L${x + width / 2} ${y - height - 8}L${x + width + 3} ${eaves}h-3V${y + 8}z`}
      />
      {Array.from({ length: windows }, (_, index) => (
        <rect
          // biome-ignore lint/suspicious/noArrayIndexKey: a house's windows never change
          key={index}
          className="window"
          x={x + (width * (index + 1)) / (windows + 1) - 3}
          y={eaves + 5}
          width="6"
          height="8"
          rx="1"
        />
      ))}
    </g>
  );
};

/** Fixed stars, as shares of the sky. */
const stars = [
  [4, 12],
  [9, 38],
  [13, 22],
  [19, 8],
  [24, 30],
  [29, 15],
  [34, 44],
  [38, 10],
  [44, 26],
  [49, 6],
  [53, 34],
  [57, 16],
  [63, 40],
  [67, 9],
  [72, 24],
  [76, 46],
  [81, 13],
  [86, 32],
  [91, 7],
  [95, 26],
  [98, 42],
] as const;

export const Stars = () => (
  <svg className="stars" width="100%" height="100%" aria-hidden="true" focusable="false">
    {stars.map(([x, y], index) => (
      <circle key={x} cx={`${x}%`} cy={`${y}%`} r={index % 3 === 0 ? 1.3 : 0.8} />
    ))}
  </svg>
);
