import { err, type Result } from '../../core/result.ts';

/**
 * Runs a command for a form: a command that throws instead of answering is a bug, but the form must not stay locked
 * because of it.
 */
export const attempt = async <T>(run: () => Promise<Result<T, string>>): Promise<Result<T, string>> => {
  try {
    return await run();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    return err(`This went wrong inside the page: ${message}. Try again; the log under Health says more.`);
  }
};
