import { expect, it } from 'vitest';
import { placeOf, viewOfPlace } from './place.ts';

it('a place of the Health screen survives the history, whatever a series is called', () => {
  for (const open of [undefined, 'ab12', 'rpc_seconds{method="a:b"}'])
    expect(placeOf(viewOfPlace({ tab: 'charts', open }).item)).toEqual({ tab: 'charts', open });
});

it('anything else is the first tab', () => {
  for (const item of [undefined, '', 'nothing:1', ':'])
    expect(placeOf(item)).toEqual({ tab: 'checks', open: undefined });
});
