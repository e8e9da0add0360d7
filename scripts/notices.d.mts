export function isUpToDate(): boolean;
