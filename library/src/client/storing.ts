import { isL402Error, L402Error } from '../errors.ts'

/**
 * Does something with a store. Without it nothing can be decided, so nothing is paid.
 *
 * @throws {L402Error} STORE_UNAVAILABLE
 */
export async function storing<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (cause) {
    if (isL402Error(cause)) throw cause
    throw new L402Error('STORE_UNAVAILABLE', {}, cause)
  }
}

/** Does what must not fail the call that already has what it wanted. */
export async function quietly(work: Promise<void>): Promise<void> {
  await work.catch(() => undefined)
}
