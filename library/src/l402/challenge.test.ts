import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import vectors from '../../../spec/vectors/l402-headers.json' with { type: 'json' }
import { encodeHex } from '../bytes/index.ts'
import { decodeInvoice } from '../invoice/index.ts'
import { decodeToken } from '../macaroon/index.ts'
import { decodeIdentifier, formatChallenge, parseChallenges } from './index.ts'

const variables: Readonly<Record<string, string>> = vectors.variables
function substitute(text: string): string {
  return text.replace(/\$([A-Z]+)/g, (found, name: string) => variables[name] ?? found)
}
const { M, A, I } = vectors.variables

describe('R-CHAL-3 the vectors', () => {
  for (const { name, lines, expect: expected } of vectors.challenge) {
    test(`${name}`, () => {
      const wanted = expected.map((entry) => {
        const text = substitute(JSON.stringify(entry))
        const reading = JSON.parse(text) as Record<string, unknown>
        if ('error' in reading) return reading
        return { extra: {}, ...reading, version: reading['version'] ?? undefined }
      })
      expect(parseChallenges(lines.map(substitute))).toEqual(wanted)
    })
  }
})

describe('R-CHAL-1 a challenge is written in the form that every client understands', () => {
  test('exactly as in the vectors', () => {
    const { input, output } = vectors.emit.challenge
    const challenge = { token: substitute(input.token), invoice: substitute(input.invoice) }
    expect(formatChallenge(challenge)).toBe(substitute(output))
    expect(formatChallenge({ ...challenge, scheme: 'L402' })).toBe(substitute(output))
  })

  test('and reading it gives back what was written', () => {
    const token = fc.stringMatching(/^[A-Za-z0-9+/=_.~-]{1,80}$/)
    const invoice = fc.stringMatching(/^[A-Za-z0-9]{1,80}$/)
    const scheme = fc.constantFrom('L402', 'LSAT')
    fc.assert(
      fc.property(token, invoice, scheme, (token, invoice, scheme) => {
        const [reading, ...rest] = parseChallenges([formatChallenge({ token, invoice, scheme })])
        expect(rest).toEqual([])
        expect(reading).toMatchObject({ scheme, token, invoice, supported: true, extra: {} })
      }),
    )
  })
})

describe('R-CHAL-2 what is written needs no escaping', () => {
  test('LSAT is written in the form of its time', () => {
    expect(formatChallenge({ token: M, invoice: I, scheme: 'LSAT' })).toBe(
      `LSAT macaroon="${M}", invoice="${I}"`,
    )
  })

  for (const [token, invoice] of [
    ['', I],
    ['a"b', I],
    ['a\\b', I],
    ['a b', I],
    ['a\r\nSet-Cookie: x=1', I],
    ['ä', I],
    [M, ''],
    [M, 'lnbc1"'],
    [M, 'lnbc1\n'],
    [M, 'lightning:lnbc1'],
  ] as const) {
    test(`${JSON.stringify(token.slice(0, 20))} for ${JSON.stringify(invoice.slice(0, 20))} is not written`, () => {
      expect(() => formatChallenge({ token, invoice })).toThrow(RangeError)
    })
  }
})

describe('R-CHAL-3 a challenge begins where a scheme does', () => {
  const good = `L402 macaroon="${M}", invoice="${I}"`
  const l402 = [expect.objectContaining({ scheme: 'L402', token: M, invoice: I })]

  for (const [name, line, expected] of [
    ['after a scheme without parameters', `Negotiate, ${good}`, l402],
    ['after token68 with a slash', `Negotiate a/b+c=, ${good}`, l402],
    ['after a scheme, with no comma between', `Bearer realm="x" ${good}`, l402],
    [
      'but not inside what another scheme quotes',
      `Basic realm="${good.replaceAll('"', '\\"')}"`,
      [],
    ],
    ['but not inside single quotes', `Basic realm='L402 macaroon=a, invoice=b'`, []],
    [
      'but not in what another scheme fails to close',
      `Basic realm="x, ${good.replaceAll('"', '')}`,
      [],
    ],
    ['a parameter that is named like a scheme is a parameter', `Basic L402="x", realm="y"`, []],
    ['parameters before the first scheme belong to nobody', `macaroon="${A}", ${good}`, l402],
    ['an apostrophe alone does not quote', `Basic realm='x, ${good}`, l402],
    ['after junk', `"x" = , ${good}`, l402],
    ['nothing', '', []],
    ['blanks and commas', ' ,\t, ', []],
  ] as const) {
    test(name, () => expect(parseChallenges([line])).toEqual(expected))
  }

  test('every line of several is read', () => {
    expect(parseChallenges(['Basic realm="x"', good, 'L402', good])).toEqual([
      ...l402,
      { scheme: 'L402', error: 'no token' },
      ...l402,
    ])
  })
})

describe('R-CHAL-4 spelling is liberal', () => {
  for (const [name, parameters] of [
    ['no comma anywhere', `macaroon="${M}" invoice="${I}"`],
    ['not even a blank', `macaroon="${M}"invoice="${I}"`],
    ['blanks on both sides of =', `macaroon \t= "${M}" , invoice\t=\t${I}`],
    ['quoted-pairs where none are needed', `macaroon="\\${M}", invoice="${I}"`],
    ['one value in each kind of quotes', `macaroon='${M}' invoice="${I}"`],
    ['commas at both ends', `,, macaroon=${M},,invoice=${I} ,,`],
  ] as const) {
    test(name, () => {
      expect(parseChallenges([`L402 ${parameters}`])).toEqual([
        expect.objectContaining({ token: M, invoice: I, extra: {} }),
      ])
    })
  }
})

describe('R-CHAL-5 parameters', () => {
  test('that nobody interprets are kept, whatever they are called', () => {
    const line = `L402 macaroon="${M}", invoice="${I}", __proto__="x", constructor=y, Realm=''`
    const [reading] = parseChallenges([line])
    const extra = (reading as { extra: Record<string, string> }).extra
    expect(Object.entries(extra)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      ['realm', ''],
    ])
  })
})

describe('R-CHAL-6 what would be a guess is an error', () => {
  for (const [parameters, error] of [
    [`token="", macaroon="${M}", invoice="${I}"`, 'no token'],
    [`token="${M}", macaroon="", invoice="${I}"`, 'token and macaroon differ'],
    [`macaroon="${M}", invoice=""`, 'no invoice'],
    [`macaroon="${M}", invoice="lightning:"`, 'no invoice'],
    [`macaroon= , invoice="${I}"`, 'no token'],
    [`macaroon= invoice="${I}"`, 'bad token characters'],
    [`macaroon="a b", invoice="${I}"`, 'bad token characters'],
    [`macaroon="a:b", invoice="${I}"`, 'bad token characters'],
    [`macaroon="a,b", invoice="${I}"`, 'bad token characters'],
    [`macaroon='${M}, invoice="${I}"`, 'bad token characters'],
    [`macaroon="${M}", invoice="lnbc1é"`, 'bad invoice characters'],
    [`macaroon="${M}", invoice="lnbc1 2"`, 'bad invoice characters'],
    [`macaroon="${M}", invoice="a\nb"`, 'control character'],
    [`macaroon="${M}", invoice="${I}", realm="a\0"`, 'control character'],
    [
      `macaroon="${M}", invoice="${I}", realm="a", REALM="b"`,
      'parameter repeated with different values: realm',
    ],
    [
      `macaroon="${M}", Macaroon="${A}", invoice="${I}"`,
      'parameter repeated with different values: macaroon',
    ],
    [
      `version="0", version="1", macaroon="${M}", invoice="${I}"`,
      'parameter repeated with different values: version',
    ],
    [`macaroon="${M}", invoice="${I}\\"`, 'unterminated quoted-string'],
    [`macaroon="${M}", = , invoice="${I}"`, 'unexpected character'],
    [`macaroon="${M}", "x", invoice="${I}"`, 'unexpected character'],
  ] as const) {
    test(`${parameters.replaceAll(M, 'M').replaceAll(A, 'A').replaceAll(I, 'I')}: ${error}`, () => {
      expect(parseChallenges([`L402 ${parameters}`])).toEqual([{ scheme: 'L402', error }])
    })
  }

  test('a name that the peer chose is cut in the error', () => {
    const name = 'n'.repeat(5000)
    const [reading] = parseChallenges([`L402 ${name}=a, ${name}=b`])
    expect(reading).toEqual({
      scheme: 'L402',
      error: `parameter repeated with different values: ${'n'.repeat(64)}`,
    })
  })
})

describe('R-CHAL-7 reading is bounded and total', () => {
  test('a line that is too long is not read', () => {
    const long = 'x'.repeat(20_000)
    expect(parseChallenges([`L402 macaroon="${M}", invoice="${I}", realm="${long}"`])).toEqual([
      { scheme: 'L402', error: 'line too long' },
    ])
    expect(parseChallenges([` ,lsat\t${long}`])).toEqual([
      { scheme: 'LSAT', error: 'line too long' },
    ])
    expect(parseChallenges([`Payment request="${long}"`, `L402X ${long}`])).toEqual([])
  })

  for (const piece of [
    '\\',
    '"',
    "'",
    "a='",
    'a="',
    ' ',
    ',',
    '=',
    'a ',
    'a=',
    'L402 ',
    '/',
    'a/',
    'L402 a="\\',
    ' a',
  ])
    test(`16 384 characters of ${JSON.stringify(piece)} are read at once`, () => {
      const started = performance.now()
      for (const start of ['', 'L402 ', 'L402 a="', 'Basic ']) {
        parseChallenges([(start + piece.repeat(16_384)).slice(0, 16_384)])
      }
      expect(performance.now() - started).toBeLessThan(1000)
    })

  test('any text is read without throwing', () => {
    fc.assert(fc.property(fc.array(fc.string()), (lines) => void parseChallenges(lines)))
  })
})

test('R-CHAL-8 a version that is not 0 is read and not supported', () => {
  for (const [version, supported] of [
    ['0', true],
    ['1', false],
    ['', false],
    ['00', false],
  ] as const) {
    const line = `L402 version="${version}", token="${M}", invoice="${I}"`
    expect(parseChallenges([line])).toEqual([expect.objectContaining({ version, supported })])
  }
})

describe('R-CHAL-6 what the vectors say about meaning can be found out by the reader of a challenge', () => {
  for (const vector of vectors.semantics)
    test(vector.name, () => {
      const token = vector.token ?? '$M'
      const line = `L402 macaroon="${substitute(token)}", invoice="${substitute(vector.invoice)}"`
      const [reading] = parseChallenges([line])
      if (reading === undefined || 'error' in reading) throw new Error('expected a challenge')

      const invoice = tryDecode(() => decodeInvoice(reading.invoice))
      const macaroon = tryDecode(() => decodeToken(reading.token))
      if (token === '$ALBY') expect(macaroon).toBeUndefined()
      if (vector.name.startsWith('amount')) expect(invoice?.amountMsat).toBeUndefined()
      if (vector.amountMsat) expect(invoice?.amountMsat).toBe(BigInt(vector.amountMsat))
      if (vector.tokenPaymentHashHex === undefined) return
      const committed = decodeIdentifier(macaroon!.identifier).paymentHash
      expect(encodeHex(committed)).toBe(vector.tokenPaymentHashHex)
      expect(encodeHex(invoice!.paymentHash)).toBe(vector.invoicePaymentHashHex)
    })

  function tryDecode<Value>(decode: () => Value): Value | undefined {
    try {
      return decode()
    } catch {
      return undefined
    }
  }
})

test('R-CHAL-1 no other client refuses the form that is written', () => {
  const row = vectors.clientMatrix.rows.find(({ form }) => form.startsWith('D '))!
  const { form: _, ...answers } = row
  expect(new Set(Object.values(answers))).toEqual(new Set(['yes']))
})
