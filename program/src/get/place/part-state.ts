import { createHash } from 'node:crypto'

/** What is kept beside the beginning of a file, so that the rest can be asked for. */
export type PartState = {
  readonly version: 1
  /** SHA-256 of the URL: its query may be a secret. */
  readonly url: string
  /** What `If-Range` takes: a strong entity tag, or a date. */
  readonly validator: string
  /** Of the whole, in bytes. `null`: the server did not say. */
  readonly size: number | null
}

/** Longest state that is read, in bytes. */
export const maxStateBytes = 4096

const strongTag = /^"[\x21\x23-\x7e]{0,512}"$/
const httpDate =
  /^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d{2}:\d{2}:\d{2} GMT$/

/** Reads what {@link formatPartState} wrote. `undefined`: anything else. */
export function readPartState(text: string): PartState | undefined {
  if (text.length > maxStateBytes) return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  if (Object.keys(value).sort().join() !== 'size,url,validator,version') return undefined
  const { version, url, validator, size } = value as Readonly<Record<string, unknown>>
  if (version !== 1 || typeof url !== 'string' || !/^[0-9a-f]{64}$/.test(url)) return undefined
  if (typeof validator !== 'string' || !isValidator(validator)) return undefined
  if (size === null) return { version, url, validator, size }
  if (typeof size !== 'number' || !Number.isSafeInteger(size)) return undefined
  if (size < 0 || Object.is(size, -0)) return undefined
  return { version, url, validator, size }
}

/** The inverse of {@link readPartState}. */
export function formatPartState({ version, url, validator, size }: PartState): string {
  return `${JSON.stringify({ version, url, validator, size }, null, 2)}\n`
}

/** How a {@link PartState} names a URL. The fragment is not sent, and does not count. */
export function digestUrl(url: URL): string {
  const sent = new URL(url)
  sent.hash = ''
  return createHash('sha256').update(sent.href).digest('hex')
}

/**
 * What names exactly these bytes, for `If-Range`: a strong entity tag, or else the date of the last
 * change, when the server sent the answer at least a second after it (RFC 9110, 8.8.2.2).
 */
export function validatorOf(headers: Headers): string | undefined {
  const tag = headers.get('etag')
  if (tag !== null) return strongTag.test(tag) ? tag : undefined
  const changed = headers.get('last-modified') ?? ''
  const sent = headers.get('date') ?? ''
  if (!httpDate.test(changed) || !httpDate.test(sent)) return undefined
  return Date.parse(sent) >= Date.parse(changed) + 1000 ? changed : undefined
}

/** Whether an answer is of the bytes that a validator names. One that does not say so is not. */
export function isSame(validator: string, headers: Headers): boolean {
  return headers.get(validator.startsWith('"') ? 'etag' : 'last-modified') === validator
}

function isValidator(text: string): boolean {
  return strongTag.test(text) || httpDate.test(text)
}
