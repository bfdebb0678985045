import { encodeHex } from '../../bytes/index.ts'
import type { PaymentHash } from '../../invoice/index.ts'

/** Stands for the payment hash in a template. */
const mark = '{hash}'

/**
 * What a verify URL is like, where it carries the payment hash: the same with `{hash}` in its place, so
 * that invoices can be asked about that another process made.
 *
 * @returns `undefined` where it does not, or more than once.
 */
export function templateOf(verify: URL, hash: PaymentHash): string | undefined {
  const parts = verify.href.split(new RegExp(encodeHex(hash), 'i'))
  const [before, after] = parts
  if (parts.length !== 2 || before === undefined || after === undefined) return undefined
  // The host says who is asked, and no hash does.
  return before.length > verify.origin.length ? before + mark + after : undefined
}

/** The verify URL of an invoice. */
export function verifyUrlOf(template: string, hash: PaymentHash): URL {
  return new URL(template.replace(mark, () => encodeHex(hash)))
}

/**
 * Whether a verify URL is at the service: the same host as one of its URLs, or one below it, at the same
 * port. Another host would be asked for what it cannot know, and told who is paid when.
 */
export function isAtService(verify: URL, services: readonly URL[]): boolean {
  return services.some(
    ({ protocol, hostname, port }) =>
      verify.protocol === protocol &&
      verify.port === port &&
      (verify.hostname === hostname || isBelow(verify.hostname, hostname)),
  )
}

function isBelow(hostname: string, parent: string): boolean {
  // An address has no names below it, and neither has a name of one part.
  const isName = parent.includes('.') && !/^[\d.]+$|^\[/.test(parent)
  return isName && hostname.endsWith(`.${parent}`)
}
