import { createHash } from 'node:crypto'

export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}

/** Names a secret without giving it away: the first 8 hex digits of its SHA-256. */
export function fingerprint(secret: Uint8Array | string): string {
  return createHash('sha256').update(secret).digest('hex').slice(0, 8)
}

/** `2026-03-01T00:00:00Z`. Times beyond what a date can hold stay numbers. */
export function isoTime(seconds: number): string {
  const date = new Date(seconds * 1000)
  if (Number.isNaN(date.getTime())) return `second ${seconds}`
  return date.toISOString().replace('.000Z', 'Z')
}

const units: readonly (readonly [seconds: number, name: string])[] = [
  [365 * 86_400, 'year'],
  [86_400, 'day'],
  [3600, 'hour'],
  [60, 'minute'],
]

/** `in 59 minutes`, `9 years ago`, `in 12 seconds`, `now`. Rounded down. */
export function relativeTime(atSeconds: number, nowSeconds: number): string {
  const distance = Math.abs(atSeconds - nowSeconds)
  if (distance < 1) return 'now'
  const [size, name] = units.find(([seconds]) => distance >= seconds) ?? [1, 'second']
  const count = Math.floor(distance / size)
  const text = `${count} ${name}${count === 1 ? '' : 's'}`
  return atSeconds > nowSeconds ? `in ${text}` : `${text} ago`
}
