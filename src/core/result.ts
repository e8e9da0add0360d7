/** Expected failure is a value; a bug throws. */
export type Ok<T> = { readonly ok: true; readonly value: T };
export type Err<E> = { readonly ok: false; readonly error: E };
export type Result<T, E> = Ok<T> | Err<E>;

export const ok = <T>(value: T): Ok<T> => ({ ok: true, value });
export const err = <E>(error: E): Err<E> => ({ ok: false, error });

/** For tests and composition roots, where a failure is a bug: throws with the error's message. */
export const unwrap = <T, E>(result: Result<T, E>): T => {
  if (result.ok) return result.value;
  const { error } = result;
  if (error instanceof Error) throw error;
  throw new Error(`unwrap: ${typeof error === 'string' ? error : JSON.stringify(error)}`);
};

/**
 * The shape of every typed error that crosses a domain: a stable code for programs, a message for people that
 * names what was found, the limit, and what to do.
 */
export type Fault<Code extends string = string> = { readonly code: Code; readonly message: string };
export const fault = <Code extends string>(code: Code, message: string): Fault<Code> => ({ code, message });
