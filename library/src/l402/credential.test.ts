import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/l402-headers.json' with { type: 'json' }
import { decodeHex, encodeBase64, encodeHex } from '../bytes/index.ts'
import type { L402Error } from '../errors.ts'
import { preimage } from '../invoice/index.ts'
import { attenuate, encodeMacaroon, encodeMacaroonV1, mint } from '../macaroon/index.ts'
import type { Credential, Scheme } from './index.ts'
import { formatCredential, parseCredential, parseMetadataCredential } from './index.ts'

const variables: Readonly<Record<string, string>> = vectors.variables
function substitute(text: string): string {
  return text
    .replace(/<(\d+) x "(.)">/g, (_, count: string, piece: string) => piece.repeat(Number(count)))
    .replace(/\$([A-Z]+)/g, (found, name: string) => variables[name] ?? found)
}
const { M, MU, A, P } = vectors.variables
const proof = preimage(decodeHex(P))

function errorOf(read: () => unknown): Pick<L402Error, 'code' | 'details'> {
  try {
    read()
  } catch (error) {
    const { code, details } = error as L402Error
    return { code, details }
  }
  throw new Error('expected a refusal')
}

describe('R-CRED-2 the vectors', () => {
  for (const { name, lines, expect: wanted } of vectors.authorization) {
    const received = lines.map(substitute)
    const expected = wanted as {
      kind: string
      tokens?: string[]
      preimage?: string
      schemes?: Scheme[]
      error?: string
    }
    test(`${name}: ${expected.error ?? expected.kind}`, () => {
      if (expected.kind === 'none') return expect(parseCredential(received)).toBeUndefined()
      if (expected.kind === 'invalid') {
        const isConflict = expected.error === 'conflicting credentials'
        return expect(errorOf(() => parseCredential(received))).toEqual({
          code: isConflict ? 'CREDENTIAL_CONFLICT' : 'CREDENTIAL_MALFORMED',
          details: { reason: expected.error },
        })
      }
      return expect(parseCredential(received)).toEqual({
        schemes: expected.schemes,
        tokens: expected.tokens!.map(substitute),
        preimage: decodeHex(substitute(expected.preimage!)),
      })
    })
  }
})

describe('R-CRED-1 a credential is written', () => {
  test('exactly as in the vectors', () => {
    const { authorization, authorizationLegacy } = vectors.emit
    for (const { input, output } of [authorization, authorizationLegacy]) {
      const scheme = input.challengeScheme as Scheme
      const text = formatCredential({ token: substitute(input.token), preimage: proof, scheme })
      expect(text).toBe(substitute(output))
    }
  })

  test('under L402 unless the challenge had another scheme', () => {
    expect(formatCredential({ token: M, preimage: proof })).toBe(`L402 ${M}:${P}`)
  })

  for (const token of ['', 'a b', 'a:b', 'a,b', 'a\r\nb', 'a"b', 'é'])
    test(`with no token such as ${JSON.stringify(token)}`, () => {
      expect(() => formatCredential({ token, preimage: proof })).toThrow(RangeError)
    })

  test('so that reading it gives back what was written', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9+/=_.~-]{1,80}$/),
        fc.uint8Array({ minLength: 32, maxLength: 32 }),
        fc.constantFrom<Scheme>('L402', 'LSAT'),
        (token, bytes, scheme) => {
          const line = formatCredential({ token, preimage: preimage(bytes), scheme })
          expect(parseCredential([line])).toEqual({
            schemes: [scheme],
            tokens: [token],
            preimage: bytes,
          })
        },
      ),
    )
  })
})

describe('R-CRED-2 the usual form and all others give the same', () => {
  const other = `AB${P.slice(2)}`
  for (const line of [
    `L402 ${M}:${other}`,
    `L402 ${M}:${other.toLowerCase()}`,
    `l402\t \t${M} \t:\t ${other}`,
    ` L402 ${M}:${other} `,
    `,L402 ${M}:${other},`,
    `L402 ${M}:${other}, Basic dXNlcjpwYXNz`,
  ])
    test(line.replaceAll(M, 'M').replaceAll(P.slice(2), '…'), () => {
      const expected = { schemes: ['L402'], tokens: [M], preimage: decodeHex(other) }
      expect(parseCredential([line])).toEqual(expected)
    })
})

describe('R-CRED-3 a credential begins where a scheme does', () => {
  const good = `L402 ${M}:${P}`
  const read: Credential = { schemes: ['L402'], tokens: [M], preimage: proof }
  for (const [name, line] of [
    ['before Bearer', `${good}, Bearer abc.def`],
    ['between two others', `Basic dXNlcjpwYXNz, ${good}, Payment eyJ4IjoxfQ`],
    ['after parameters', `Digest username="u", realm = "r", uri=/, ${good}`],
    ['after what another scheme quotes', `Digest username="a, L402 x:y", ${good}`],
    ['after a quoted quote', `Digest username="a\\", L402 x:y", ${good}`],
    ['after text that is nobody’s', `abc, x="y", ${good}`],
    ['after empty list elements', `Bearer x, , ${good}, ,`],
  ] as const)
    test(name, () => expect(parseCredential([line])).toEqual(read))

  for (const line of [
    '',
    ' , ',
    'L402X a:b',
    'xL402 a:b',
    `xx ${good}`,
    `"${good}`,
    'Bearer L402',
    'Digest l402="x"',
    `Digest nonce="${good}"`,
    `Digest nonce="x, ${good}`,
    M,
  ])
    test(`there is none in ${JSON.stringify(line.replaceAll(M, 'M').replaceAll(P, 'P'))}`, () => {
      expect(parseCredential([line])).toBeUndefined()
    })

  test('an empty line beside it changes nothing', () => {
    expect(parseCredential(['', good])).toEqual(read)
    expect(parseCredential(['Bearer x', good, 'Basic y'])).toEqual(read)
  })
})

describe('R-CRED-4 the same credential twice is one', () => {
  for (const [name, lines, schemes, token] of [
    [
      'L402 first, LSAT in another spelling',
      [`L402 ${M}:${P}`, `LSAT ${MU}:${P}`],
      ['L402', 'LSAT'],
      M,
    ],
    [
      'LSAT first, L402 in another spelling',
      [`LSAT ${M}:${P}`, `L402 ${MU}:${P}`],
      ['LSAT', 'L402'],
      MU,
    ],
    ['L402 twice', [`L402 ${MU}:${P}`, `L402 ${M}:${P}`], ['L402'], MU],
    [
      'joined, three times',
      [`L402 ${M}:${P}, LSAT ${M}:${P}, l402 ${M}:${P}`],
      ['L402', 'LSAT'],
      M,
    ],
  ] as const)
    test(name, () => {
      expect(parseCredential(lines)).toEqual({ schemes, tokens: [token], preimage: proof })
    })
})

describe('R-CRED-5 two different credentials are refused, in either order', () => {
  const otherProof = `${P.slice(0, -1)}2`
  for (const [name, first, second] of [
    ['another token', `L402 ${M}:${P}`, `L402 ${A}:${P}`],
    ['another preimage', `L402 ${M}:${P}`, `LSAT ${M}:${otherProof}`],
    ['one more token', `L402 ${M}:${P}`, `LSAT ${M},${A}:${P}`],
    ['the same tokens in another order', `L402 ${A},${M}:${P}`, `LSAT ${M},${A}:${P}`],
  ] as const)
    test(name, () => {
      for (const lines of [[first, second], [second, first], [`${first}, ${second}`]]) {
        expect(errorOf(() => parseCredential(lines))).toEqual({
          code: 'CREDENTIAL_CONFLICT',
          details: { reason: 'conflicting credentials' },
        })
      }
    })
})

describe('R-CRED-6 what is not well formed is refused', () => {
  for (const [text, reason] of [
    [`${M}:x:${P}`, 'preimage must be 64 hex digits'],
    [`${M}:${P}:x`, 'preimage must be 64 hex digits'],
    [`${M}:${P}, `, undefined],
    [`${M}:${P},x`, 'preimage must be 64 hex digits'],
    [`${M}:${P} x`, 'preimage must be 64 hex digits'],
    [`${M}:${P.slice(0, 32)} ${P.slice(32)}`, 'preimage must be 64 hex digits'],
    [`"${M}:${P}"`, 'preimage must be 64 hex digits'],
    [`${M}:"${P}"`, 'preimage must be 64 hex digits'],
    [`token="${M}":${P}`, 'bad token characters'],
    [`${M} ${A}:${P}`, 'bad token characters'],
    [`,${M}:${P}`, 'empty token'],
    [`${M},:${P}`, 'empty token'],
    [`${M}\u00a0:${P}`, 'bad token characters'],
    [', ', 'empty credential'],
  ] as const)
    test(`${JSON.stringify(text).replaceAll(M, 'M').replaceAll(P, 'P')}: ${reason ?? 'read'}`, () => {
      const read = () => parseCredential([`L402 ${text}`])
      if (reason === undefined) return expect(read()).toBeDefined()
      return expect(errorOf(read)).toEqual({ code: 'CREDENTIAL_MALFORMED', details: { reason } })
    })

  test('also when a well-formed one stands beside it', () => {
    for (const lines of [
      [`L402 ${M}:${P}`, 'LSAT'],
      ['LSAT x', `L402 ${M}:${P}`],
      [`L402 ${M}:${P}, L402 x:y`],
    ]) {
      expect(errorOf(() => parseCredential(lines)).code).toBe('CREDENTIAL_MALFORMED')
    }
  })

  test('the bound counts all lines together, whatever their scheme', () => {
    const good = `L402 ${M}:${P}`
    const filler = 'x'.repeat(16_384 - good.length)
    expect(parseCredential([good, filler])).toBeDefined()
    expect(errorOf(() => parseCredential([good, `${filler}x`])).details).toEqual({
      reason: 'too long',
    })
  })

  for (const piece of [
    ' ',
    '\t',
    ',',
    ', ',
    ':',
    '"',
    '\\',
    'a',
    'a ',
    'a, ',
    'L402 ',
    'L402,',
    '=',
    'L402 a"',
  ])
    test(`16 384 characters of ${JSON.stringify(piece)} are judged at once`, () => {
      const started = performance.now()
      for (const start of ['', 'L402 ', 'L402 a:', 'Digest a="', `L402 ${M}`]) {
        const line = (start + piece.repeat(16_384)).slice(0, 16_383)
        for (const end of ['', 'x']) {
          try {
            parseCredential([line + end])
          } catch {}
        }
      }
      expect(performance.now() - started).toBeLessThan(1000)
    })
})

describe('R-CRED-7 a macaroon that carries its own preimage', () => {
  for (const { name, value, expect: expected } of vectors.metadata)
    test(`${name}: ${expected.error ?? expected.kind}`, () => {
      const read = () => parseMetadataCredential(value)
      if (expected.error !== undefined) {
        const details = { reason: expected.error }
        return expect(errorOf(read)).toEqual({ code: 'CREDENTIAL_MALFORMED', details })
      }
      return expect(read()).toEqual({
        schemes: ['L402'],
        tokens: [encodeBase64(decodeHex(expected.tokenHex!))],
        preimage: decodeHex(expected.preimage!),
      })
    })

  const token = mint({ rootKey: new Uint8Array(32), identifier: new Uint8Array(66) })
  const hexOf = (...caveats: string[]) => encodeHex(encodeMacaroon(attenuate(token, ...caveats)))

  test('is read in version 1 too, in upper case, and with the preimage twice', () => {
    const narrowed = attenuate(token, `preimage=${P}`)
    for (const value of [
      encodeHex(encodeMacaroonV1(narrowed)),
      encodeHex(encodeMacaroon(narrowed)).toUpperCase(),
      hexOf(`preimage=${P}`, 'x', `preimage = ${P.toUpperCase()}`),
    ]) {
      expect(parseMetadataCredential(value).preimage).toEqual(proof)
    }
  })

  for (const [name, value, code, reason] of [
    [
      'two preimages',
      hexOf(`preimage=${P}`, `preimage=${'1'.repeat(64)}`),
      'CREDENTIAL_CONFLICT',
      'conflicting credentials',
    ],
    [
      'a short preimage',
      hexOf('preimage=00'),
      'CREDENTIAL_MALFORMED',
      'preimage must be 64 hex digits',
    ],
    ['another condition', hexOf(`Preimage=${P}`), 'CREDENTIAL_MALFORMED', 'no preimage'],
    ['another operator', hexOf(`preimage<=${P}`), 'CREDENTIAL_MALFORMED', 'no preimage'],
    ['an odd number of digits', 'abc', 'CREDENTIAL_MALFORMED', 'not hexadecimal'],
    ['base64', M, 'CREDENTIAL_MALFORMED', 'not hexadecimal'],
    ['hexadecimal of something else', 'deadbeef', 'CREDENTIAL_MALFORMED', 'not a macaroon'],
    ['nothing', '', 'CREDENTIAL_MALFORMED', 'not a macaroon'],
    ['more than 16 384 digits', '00'.repeat(8193), 'CREDENTIAL_MALFORMED', 'too long'],
  ] as const)
    test(`${name}: ${reason}`, () => {
      expect(errorOf(() => parseMetadataCredential(value))).toEqual({ code, details: { reason } })
    })
})

test('R-CRED-6 no error carries a token or a preimage', () => {
  for (const line of [`L402 ${M}!:${P}`, `L402 ${M}:${P}0`, `L402 ${M}:${P}, LSAT ${A}:${P}`]) {
    try {
      parseCredential([line])
      expect.unreachable()
    } catch (error) {
      const text = `${error} ${JSON.stringify((error as L402Error).details)}`
      expect(text).not.toContain(M.slice(0, 12))
      expect(text).not.toContain(P.slice(0, 16))
    }
  }
})
