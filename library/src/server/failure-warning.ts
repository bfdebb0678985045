import { isL402Error } from '../errors.ts'
import type { FailureEvent } from './events.ts'

const parts: Readonly<Record<FailureEvent['part'], string>> = {
  payee: 'the payee',
  price: 'a price function',
  'use-store': 'the store of uses',
  'deny-list': 'the deny list',
}

/**
 * Who is told of failures when the operator listens to none: the process, of the first one of each
 * part. Without it a seller whose wallet is down would see nothing but 503.
 *
 * What was thrown is not shown unless it is an error of this library: others may quote a
 * connection string.
 *
 * @spec server.md R-SRV-59
 */
export function createFailureWarning(service: string): (event: FailureEvent) => void {
  const told = new Set<FailureEvent['part']>()
  return ({ part, code, error }) => {
    if (told.has(part)) return
    told.add(part)
    const why = isL402Error(error) ? `${code}: ${error.message}` : code
    // Not every runtime has a process.
    globalThis.process?.emitWarning?.(
      `paywall "${service}": ${parts[part]} failed (${why}). ` +
        'This is said once; the option on.failure is told each time, with what was thrown.',
      { type: 'SatwayWarning', code },
    )
  }
}
