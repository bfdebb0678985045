import { attenuate, decodeToken, encodeToken, verify } from 'satway/macaroon'
import { expect, test } from 'vitest'
import { admit, mintFull } from '../../program/src/admin/permit.ts'
import { AdminProblem } from '../../program/src/admin/problem.ts'
import { fuzzText } from './harness.ts'

const key = new Uint8Array(32).fill(7)
const asker = { address: '127.0.0.1', nowSeconds: 1_795_593_600 }
const full = mintFull(key)
const narrowed = (...caveats: string[]): string =>
  `Macaroon ${encodeToken(attenuate(decodeToken(full), ...caveats))}`

test('R-ADM-5 R-ADM-7 an Authorization header is let in or refused, and never breaks the reader', () => {
  const seeds = [
    `Macaroon ${full}`,
    narrowed('scope=read'),
    narrowed('scope=read,revoke', 'scope=read'),
    narrowed('expires=1795593660', 'ip=127.0.0.0/8'),
    narrowed('tier=1'),
    narrowed('scope=read', 'scope=services'),
    'Macaroon AAAA',
  ]
  const report = fuzzText({
    name: 'admit',
    seeds,
    words: ['Macaroon ', 'scope=', '=', ',', full.slice(0, 20), ' ', '\n', 'macaroon'],
    codes: [],
    read: (text) => {
      try {
        return admit(text, key, asker)
      } catch (error) {
        if (!(error instanceof AdminProblem)) throw error
        expect(['ADMIN_UNAUTHENTICATED', 'ADMIN_CAVEAT']).toContain(error.code)
        if (text.length > 60) expect(error.message).not.toContain(text.slice(9, 60))
        return undefined
      }
    },
    holds: (text, permit) => {
      if (permit === undefined) return
      // Whoever got in has a macaroon of this key.
      verify(decodeToken(text.replace(/^Macaroon +/i, '')), key)
    },
  })
  expect(report.refused).toBe(0)
})
