/** The topic on which tabs tell their measurements: what the mesh must know of it before its code is loaded. */
export const vitalsTopic = 'vitals';
export const maxVitalsBytes = 12 * 1024;
export const vitalsTopics = { [vitalsTopic]: { critical: false, maxBytes: maxVitalsBytes } } as const;
