import { L402Error } from '../../errors.ts'

/** A place that holds a secret. */
export type HeldPlace =
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'env'; readonly name: string }

/** Where a secret is. */
export type SecretPlace =
  | HeldPlace
  /** In the URI itself: that ends in lists and histories. The program refuses it. */
  | { readonly from: 'uri'; readonly text: string }

/** What is read from a place. A certificate is no secret. */
export type SecretUse = 'credential' | 'certificate' | 'wallet URI'

/**
 * Reads `file:/path`, `file:~/path`, `env:NAME`, or the secret itself.
 *
 * @returns `undefined` for what means a place and names none, such as `file:wallet` or a bare path, and
 *   for what no credential holds, such as a space.
 */
export function placeOf(text: string): SecretPlace | undefined {
  if (/^file:/i.test(text)) return fileOf(text.slice('file:'.length))
  if (/^env:/i.test(text)) return variableOf(text.slice('env:'.length))
  if (/^(?:[/~\\.]|[a-z]:[\\/])/i.test(text)) return undefined
  return /^[\x21-\x7e]+$/.test(text) ? new InlineSecret(text) : undefined
}

/** What people call a place, without what is there. */
export function describePlace(place: SecretPlace): string {
  if (place.from === 'file') return place.path
  return place.from === 'env' ? `the variable ${place.name}` : 'the wallet URI'
}

/** @returns the error of a place that does not hold what it should. */
export function unusable(place: SecretPlace, use: SecretUse, what: string): L402Error {
  return new L402Error('CONFIG_INVALID', { reason: `${describePlace(place)} (${use}) ${what}` })
}

function fileOf(text: string): SecretPlace | undefined {
  // file:///path is the same as file:/path.
  const path = text.startsWith('///') ? text.slice(2) : text
  return /^(?:\/(?!\/)|~\/)[^\0]+$/.test(path) ? { from: 'file', path } : undefined
}

function variableOf(name: string): SecretPlace | undefined {
  return /^[A-Za-z_]\w{0,127}$/.test(name) ? { from: 'env', name } : undefined
}

/** A class for its private field: no inspection and no serialization shows the secret. */
class InlineSecret {
  readonly from = 'uri'
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  get text(): string {
    return this.#text
  }
}
