import type { Details } from '../errors.ts'
import { L402Error } from '../errors.ts'

/**
 * The journal, or the key that opens it, is not what it has to be. Nothing was changed.
 *
 * @param reason - Goes into `details.reason`, for programs.
 * @param hint - Goes into `details.hint`: what to do next, for people.
 */
export function unusable(
  reason: string,
  hint: string,
  details: Details = {},
  cause?: unknown,
): L402Error {
  return new L402Error('JOURNAL_UNUSABLE', { reason, ...details, hint }, cause)
}

/** A file or a keychain cannot be read or written at the moment. Nothing was changed. */
export function unavailable(
  reason: string,
  hint: string,
  details: Details = {},
  cause?: unknown,
): L402Error {
  return new L402Error('STORE_UNAVAILABLE', { reason, ...details, hint }, cause)
}

/** What the operating system called an error: `ENOENT`. Empty for any other error. */
export function systemCode(error: unknown): string {
  if (!(error instanceof Error) || !('syscall' in error) || !('code' in error)) return ''
  return typeof error.code === 'string' ? error.code : ''
}
