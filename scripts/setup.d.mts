export const root: string;
export function requireNode(): void;
export function installPackages(): void;
export function buildAll(): void;
