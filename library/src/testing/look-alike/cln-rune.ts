import {
  concatBytes,
  decodeBase64Any,
  encodeBase64,
  encodeUtf8,
  sha256,
} from '../../bytes/index.ts'

/** Why a rune does not open a call: the codes and words of Core Lightning. */
export type RuneRefusal = { readonly code: number; readonly message: string }

/** One call, as a rune sees it over clnrest. */
export type RuneCall = {
  readonly method: string
  readonly params: Readonly<Record<string, unknown>>
  readonly nowSeconds: number
}

/** Runes of one secret. */
export type RuneMaster = {
  /** @param restrictions - As of `createrune`: all of them, each a choice. */
  mint(restrictions?: readonly (readonly string[])[], uniqueId?: string): string
  /** `checkrune`. @returns `undefined` when it is allowed. */
  check(rune: string, call: RuneCall): RuneRefusal | undefined
  /** `blacklistrune`, by the unique id. */
  revoke(uniqueId: string): void
}

/**
 * Runes as `ccan/rune` makes them: SHA-256 over the secret and each restriction, padded after each as
 * SHA-256 pads its end, so that anybody can add a restriction and nobody can take one away.
 *
 * @param secret - At most 55 bytes.
 */
export function createRuneMaster(secret: Uint8Array): RuneMaster {
  const revoked = new Set<string>()
  const authenticate = (restrictions: readonly string[]): Uint8Array => {
    let message: Uint8Array = secret
    for (const restriction of restrictions) {
      message = concatBytes(message, endMarker(message.length), encodeUtf8(restriction))
    }
    return sha256(message)
  }
  return {
    mint: (restrictions = [], uniqueId = '1') => {
      const encoded = [
        `=${uniqueId}`,
        ...restrictions.map((all) => all.map(writeAlternative).join('|')),
      ]
      const bytes = concatBytes(authenticate(encoded), encodeUtf8(encoded.join('&')))
      return encodeBase64(bytes).replaceAll('+', '-').replaceAll('/', '_')
    },
    revoke: (uniqueId) => {
      revoked.add(uniqueId)
    },
    check: (rune, call) => {
      const bytes = decode(rune)
      if (bytes === undefined) {
        return { code: -32602, message: 'rune: should be base64 string: invalid token' }
      }
      const text = new TextDecoder().decode(bytes.subarray(32))
      const restrictions = text === '' ? [] : split(text, '&')
      const [first] = restrictions
      if (first !== undefined && revoked.has(first.slice(1))) {
        return { code: 1503, message: 'Not authorized: Blacklisted rune' }
      }
      const own = authenticate(restrictions)
      if (!own.every((byte, i) => byte === bytes[i])) {
        return { code: 1501, message: 'Not authorized: Not derived from master' }
      }
      for (const restriction of restrictions.slice(1)) {
        const alternatives = split(restriction, '|')
        if (alternatives.some((one) => holds(one, call))) continue
        return { code: 1502, message: `Not permitted: ${alternatives.join(' AND ')}` }
      }
      return undefined
    },
  }
}

/** What SHA-256 puts after a message of so many bytes. */
function endMarker(length: number): Uint8Array {
  const zeros = (((55 - length) % 64) + 64) % 64
  const marker = new Uint8Array(1 + zeros + 8)
  marker[0] = 0x80
  new DataView(marker.buffer).setBigUint64(1 + zeros, BigInt(length) * 8n)
  return marker
}

function writeAlternative(alternative: string): string {
  const operator = /[!=/^$~<>{}#]/.exec(alternative)?.index ?? 0
  const value = alternative.slice(operator + 1).replace(/[\\|&]/g, '\\$&')
  return alternative.slice(0, operator + 1) + value
}

function decode(rune: string): Uint8Array | undefined {
  try {
    const bytes = decodeBase64Any(rune)
    return bytes.length < 32 ? undefined : bytes
  } catch {
    return undefined
  }
}

/** At what is not escaped; the escapes stay. */
function split(text: string, at: '&' | '|'): string[] {
  const pattern = at === '&' ? /(?:\\.|[^\\&])+/gs : /(?:\\.|[^\\|])+/gs
  return text.match(pattern) ?? []
}

function holds(encoded: string, { method, params, nowSeconds }: RuneCall): boolean {
  const at = encoded.search(/[!=/^$~<>{}#]/)
  const field = encoded.slice(0, at)
  const operator = encoded[at]
  const value = encoded.slice(at + 1).replace(/\\(.)/gs, '$1')
  // Nobody calls so often in a test: what is limited is allowed.
  if (operator === '#' || field === 'rate' || field === 'per') return true
  const subject = subjectOf(field, method, params, nowSeconds)
  if (operator === '!') return subject === undefined
  if (subject === undefined) return false
  const text = String(subject)
  if (operator === '=') return text === value
  if (operator === '/') return text !== value
  if (operator === '^') return text.startsWith(value)
  if (operator === '$') return text.endsWith(value)
  if (operator === '~') return text.includes(value)
  if (operator === '{') return text < value
  if (operator === '}') return text > value
  if (typeof subject !== 'number' || !/^-?\d+$/.test(value)) return false
  return operator === '<' ? subject < Number(value) : subject > Number(value)
}

function subjectOf(
  field: string,
  method: string,
  params: Readonly<Record<string, unknown>>,
  nowSeconds: number,
): string | number | undefined {
  if (field === 'method') return method
  if (field === 'time') return nowSeconds
  if (field === 'pnum') return Object.keys(params).length
  if (!field.startsWith('pname')) return undefined
  const value = params[field.slice('pname'.length)]
  return typeof value === 'string' || typeof value === 'number' ? value : undefined
}
