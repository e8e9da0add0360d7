export type { Act } from './acts.ts';
export { type Admission, type AdmissionDeps, openAdmission, type Wish } from './admission.ts';
export type { BookState } from './book.ts';
export { admissionLimits, type Role, roles } from './protocol.ts';
export { type Standing, standingOf, whyNot } from './standing.ts';
