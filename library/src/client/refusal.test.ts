import { expect, test } from 'vitest'
import { outcomeOf } from './outcome.ts'
import { cut, refuse } from './refusal.ts'

test('text of a peer is cut to 64 characters, without control, direction and line characters', () => {
  expect(cut('a\u0000b\nc\u202ed\u2028e\u{e0041}f\u200bg')).toBe('abcdefg')
  expect([...cut('😀'.repeat(100))].length).toBe(64)
  expect(cut('x'.repeat(1e6))).toBe('x'.repeat(64))
})

test('R-PAY-29 a refusal says what to do next', () => {
  expect(refuse('authorization', { origin: 'https://a.test' }).details).toEqual({
    reason: 'authorization',
    origin: 'https://a.test',
    hint: 'the request has its own Authorization; l402.replaceAuthorization lets it be replaced',
  })
  expect(refuse('no-payer').message).toContain('give createClient one')
})

test('R-PAY-70 a refusal, a mistake and a lost network are told apart', () => {
  expect(outcomeOf(refuse('host'))).toBe('refused')
  expect(outcomeOf(new TypeError('fetch failed'))).toBe('not_paid')
  expect(outcomeOf(undefined)).toBe('not_paid')
})
