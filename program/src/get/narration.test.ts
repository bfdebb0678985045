import { describe, expect, test } from 'vitest'
import type { Step } from '../agent/index.ts'
import type { Screen } from '../cli/screen.ts'
import { createNarrator } from './narration.ts'

const plain = (text: string): string => text
function narrate(...steps: readonly Step[]): string {
  let written = ''
  let nowMs = 0
  const screen = {
    dim: plain,
    write: (text: string) => {
      written += text
    },
  } as Screen
  const watch = createNarrator(screen, () => nowMs)
  for (const step of steps) {
    nowMs += 250
    watch(step)
  }
  return written
}

describe('R-GET-15 --verbose', () => {
  test('tells every step with its time', () => {
    const paymentHash = 'ab'.repeat(32)
    const url = 'https://shop.example/data'
    expect(
      narrate(
        { kind: 'request', method: 'GET', url, credential: false },
        { kind: 'answer', status: 402 },
        { kind: 'price', amountMsat: '10000', paymentHash },
        { kind: 'asking', askedBecause: 'new-host', costMsat: '15000' },
        { kind: 'waiting', approvalId: 'k7m2p9xq', seconds: 60 },
        { kind: 'answered', answer: 'yes' },
        { kind: 'paying', paymentHash, maxFeeMsat: '5000' },
        { kind: 'payment', status: 'settled' },
        { kind: 'request', method: 'GET', url, credential: true },
        { kind: 'answer', status: undefined },
      ),
    ).toBe(
      [
        '*    0.250 s  GET https://shop.example/data',
        '*    0.500 s  answered with status 402',
        '*    0.750 s  asks for 10 sat, payment hash abababababab…',
        '*    1.000 s  asks whether to pay 15 sat: nothing was paid to this host before',
        '*    1.250 s  waits up to 60 s for an answer to question k7m2p9xq',
        '*    1.500 s  the answer is yes',
        '*    1.750 s  allowed; the wallet pays, at most 5 sat for the route',
        '*    2.000 s  payment settled',
        '*    2.250 s  GET https://shop.example/data, with a token that was paid for',
        '*    2.500 s  no answer came',
        '',
      ].join('\n'),
    )
  })

  test('steers no terminal', () => {
    const url = 'https://shop.example/\u001b[2J'
    expect(narrate({ kind: 'request', method: 'GET', url, credential: false })).not.toContain(
      '\u001b',
    )
  })
})
