import { describe, expect, test } from 'vitest'
import { encodeBase64, encodeBase64Url, encodeHex } from '../../bytes/index.ts'
import { hashPreimage, preimage } from '../../invoice/index.ts'
import type { AnswerPaths } from './wallet-answer.ts'
import { readAnswer } from './wallet-answer.ts'

const secret = preimage(Uint8Array.from({ length: 32 }, (_, i) => 251 - i))
const hash = hashPreimage(secret)
const hex = encodeHex(secret)
const usual: AnswerPaths = { preimage: undefined, paid: undefined, fee: undefined }

function says(body: unknown, paths: AnswerPaths = usual): string | undefined {
  return readAnswer(typeof body === 'string' ? body : JSON.stringify(body), hash, paths)?.says
}

describe('R-HW-6 the preimage is the proof', () => {
  const proofs: readonly (readonly [string, unknown])[] = [
    ['paymentPreimage', { paymentPreimage: hex }],
    ['payment_preimage', { payment_preimage: hex }],
    ['preimage', { preimage: hex }],
    ['preImage', { preImage: hex }],
    ['in upper case', { preimage: hex.toUpperCase() }],
    ['in base64', { preimage: encodeBase64(secret) }],
    ['in base64 without padding', { preimage: encodeBase64(secret).replace('=', '') }],
    ['in URL-safe base64', { preimage: encodeBase64Url(secret) }],
    ['in URL-safe base64 with padding', { preimage: `${encodeBase64Url(secret)}=` }],
    ['under data', { data: { preimage: hex } }],
    ['under result', { result: { payment_preimage: hex } }],
    ['beside one that proves nothing', { preimage: '00'.repeat(32), payment_preimage: hex }],
    ['whatever else is said', { preimage: hex, isPaid: false, status: 'failed' }],
    ['whichever hash is named', { preimage: hex, paymentHash: '00'.repeat(32) }],
  ]
  for (const [name, body] of proofs) test(`${name}`, () => expect(says(body)).toBe('settled'))

  const none: readonly (readonly [string, unknown])[] = [
    ['of another payment', { preimage: '00'.repeat(32) }],
    ['of 31 bytes', { preimage: hex.slice(2) }],
    ['of 33 bytes', { preimage: `${hex}00` }],
    ['with 0x before it', { preimage: `0x${hex}` }],
    ['with white space', { preimage: ` ${hex}` }],
    ['in a list', { preimage: [hex] }],
    ['of bytes', { preimage: [...secret] }],
    ['two levels down', { data: { data: { preimage: hex } } }],
    ['under another name', { secret: hex, PREIMAGE: hex, payment: { preimage: hex } }],
    ['under a list', { data: [{ preimage: hex }] }],
    ['nowhere', {}],
  ]
  for (const [name, body] of none) {
    test(`${name} is none`, () => expect(says(body)).toBe('nothing'))
  }

  test('is looked for where the operator says, and nowhere else', () => {
    const paths = { ...usual, preimage: ['a', 'b', 'c'] }
    expect(says({ a: { b: { c: hex } } }, paths)).toBe('settled')
    for (const body of [{ preimage: hex }, { a: hex }, { a: { b: [hex] } }, { a: null }, {}]) {
      expect(says(body, paths)).toBe('nothing')
    }
    for (const name of ['__proto__', 'constructor', 'toString']) {
      expect(says({}, { ...usual, preimage: [name, 'name'], paid: [name] })).toBe('nothing')
    }
  })
})

describe('R-HW-7 without it', () => {
  const named = { paymentHash: encodeHex(hash) }
  const cases: readonly (readonly [string, unknown])[] = [
    ['paid', { isPaid: true }],
    ['paid', { is_paid: true, status: 'failed' }],
    ['paid', { data: { paid: true } }],
    ['paid', { isPaid: false, result: { settled: true } }],
    ['nothing', { isPaid: 'true' }],
    ['nothing', { isPaid: 1 }],
    ['nothing', { isPaid: null }],
    ['nothing', { isPaid: false }],
    ['nothing', { status: 'failed' }],
    ['nothing', { status: 'failed', isPaid: null }],
    ['failed', { status: 'failed', isPaid: false }],
    ['failed', { state: 'FAILED', paid: false }],
    ['failed', { status: 'failed', ...named }],
    ['failed', { data: { status: 'failed', payment_hash: encodeHex(hash).toUpperCase() } }],
    ['failed', { status: 'success', data: { status: 'failed', isPaid: false } }],
    ['failed', { status: 200, state: 'failed', ...named }],
    ['nothing', { status: 'failed', data: { status: 'pending', ...named } }],
    ['nothing', { status: 'failed', isPaid: false, paymentHash: '00'.repeat(32) }],
    ['nothing', { status: 'failed', ...named, data: { paymentHash: '00'.repeat(32) } }],
    ['nothing', { status: 'failed', paymentHash: 1 }],
    ['nothing', { status: 'ok', state: 'failed', ...named }],
    ['nothing', { status: 'error', ...named }],
    ['nothing', { status: 'expired', ...named }],
    ['nothing', { status: 'pending', ...named }],
    ['not-found', { status: 'not-found', ...named }],
    ['not-found', { state: 'not_found', ...named }],
    ['nothing', { status: 'not-found' }],
    ['paid', { status: 'not-found', isPaid: true, ...named }],
  ]
  for (const [expected, body] of cases) {
    test(`${JSON.stringify(body).slice(0, 90)} says ${expected}`, () => {
      expect(says(body)).toBe(expected)
    })
  }

  test('whether it is paid is looked for where the operator says, and nowhere else', () => {
    const paths = { ...usual, paid: ['ok'] }
    expect(says({ ok: true }, paths)).toBe('paid')
    expect(says({ isPaid: true }, paths)).toBe('nothing')
    expect(says({ ok: false, status: 'failed' }, paths)).toBe('failed')
  })

  test('a reason is one of ours, or rejected', () => {
    for (const [reason, expected] of [
      ['no-route', 'no-route'],
      ['insufficient-balance', 'insufficient-balance'],
      ['__proto__', 'rejected'],
      [7, 'rejected'],
      [undefined, 'rejected'],
    ]) {
      const body = JSON.stringify({ status: 'failed', isPaid: false, reason })
      expect(readAnswer(body, hash, usual)).toEqual({ says: 'failed', reason: expected })
    }
  })

  for (const text of ['', '[]', 'null', '7', '"x"', '{', '<html>', '{"a":1}x', '\ufeff{}', 'NaN']) {
    test(`${JSON.stringify(text)} is no answer`, () => expect(says(text)).toBeUndefined())
  }

  test('nor is one of more than 64 KiB, or of a thousand levels', () => {
    expect(says(`{"isPaid":true${' '.repeat(70_000)}}`)).toBeUndefined()
    expect(says(`{"data":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)).toBe('nothing')
  })
})
