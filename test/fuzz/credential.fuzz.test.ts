import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import type { Credential } from '../../library/src/l402/index.ts'
import { formatCredential, parseCredential } from '../../library/src/l402/index.ts'
import vectors from '../../spec/vectors/l402-headers.json' with { type: 'json' }
import { fuzzText } from './harness.ts'

const short: Readonly<Record<string, string>> = {
  M: 'Ag+/8A==',
  MU: 'Ag-_8A',
  A: 'AgEF',
  P: 'ab'.repeat(32),
}
const substitute = (text: string) =>
  text.replace(/\$([A-Z]+)/g, (_, name: string) => short[name] ?? 'x')

test('R-CRED-2 R-CRED-6 any line is refused, passed over, or read as what is written', () => {
  let credentials = 0
  const report = fuzzText({
    name: 'parseCredential',
    seeds: vectors.authorization.map(({ lines }) => lines.map(substitute).join(', ')),
    words: [
      'L402 ',
      'LSAT ',
      'Bearer ',
      ', ',
      ':',
      ',',
      '"',
      'AgEF',
      short['P']!,
      `L402 AgEF:${short['P']}`,
    ],
    read: (line) => parseCredential([line]),
    codes: ['CREDENTIAL_MALFORMED', 'CREDENTIAL_CONFLICT'],
    holds: (line, result) => {
      if (result === undefined) {
        if (/^[ \t,]*(?:L402|LSAT) /i.test(line)) throw new Error('a credential was passed over')
        return
      }
      credentials++
      const { schemes, tokens, preimage } = result as Credential
      if (tokens.length < 1 || tokens.length > 5) throw new Error('no token, or too many')
      if (tokens.length > 1) return
      const written = formatCredential({ scheme: schemes[0]!, token: tokens[0]!, preimage })
      const again = { schemes: schemes.slice(0, 1), tokens, preimage }
      if (!isDeepStrictEqual(parseCredential([written]), again)) throw new Error('not the same')
      // Beside itself it is one credential; beside another one it is refused.
      if (!isDeepStrictEqual(parseCredential([line, written])?.tokens, tokens))
        throw new Error('not one')
    },
  })
  expect(credentials).toBeGreaterThan(report.cases / 100)
  expect(report.refused).toBeGreaterThan(report.cases / 4)
})
