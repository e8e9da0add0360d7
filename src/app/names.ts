import type { DeviceId } from '../core/brand.ts';
import { fromBase64url } from '../core/bytes.ts';

const adjectives =
  'Brave Bright Busy Calm Clever Curious Eager Gentle Glad Happy Jolly Keen Kind Lively Lucky Mellow Merry Nimble Patient Proud Quick Quiet Shy Sleepy Sly Swift Warm Wise Witty Young'.split(
    ' ',
  );
const animals =
  'Badger Bear Beaver Bee Cat Crane Crow Deer Dove Duck Falcon Finch Fox Frog Goat Goose Hare Hedgehog Heron Horse Lark Lynx Marten Mole Mouse Newt Otter Owl Pike Rabbit Raven Robin Seal Sparrow Stork Swan Toad Trout Vole Wren'.split(
    ' ',
  );

/** A friendly first name for a device, until the person gives it another. Not unique: ids are. */
export const defaultDeviceName = (device: DeviceId): string => {
  const bytes = fromBase64url(device) ?? new Uint8Array(2);
  const adjective = adjectives[(bytes[0] ?? 0) % adjectives.length];
  return `${adjective} ${animals[(bytes[1] ?? 0) % animals.length]}`;
};
