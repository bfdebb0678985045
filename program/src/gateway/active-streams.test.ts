import fc from 'fast-check'
import type { Receipt } from 'satway/server'
import { createMemoryDenyList } from 'satway/server'
import { expect, test } from 'vitest'
import { ActiveStreams } from './active-streams.ts'

test('R-GW-17 cuts every stream of a revoked token that is under way, and no other', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), token: fc.nat(4) }),
    fc.record({ kind: fc.constant('remove' as const), which: fc.nat(30) }),
    fc.record({ kind: fc.constant('deny' as const), token: fc.nat(4) }),
    fc.constant({ kind: 'sweep' as const }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const denied = createMemoryDenyList()
      const streams = new ActiveStreams(denied, 1_000_000)
      const model: { token: number; isOver: boolean; isCut: boolean; handle: unknown }[] = []
      const isDenied = new Set<number>()
      for (const one of steps) {
        if (one.kind === 'add') {
          const entry = {
            token: one.token,
            isOver: false,
            isCut: false,
            handle: undefined as unknown,
          }
          entry.handle = streams.add(receipt(one.token), () => {
            entry.isCut = true
          })
          model.push(entry)
        } else if (one.kind === 'remove') {
          const entry = model[one.which]
          if (entry === undefined) continue
          streams.remove(entry.handle as Parameters<ActiveStreams['remove']>[0])
          entry.isOver = true
        } else if (one.kind === 'deny') {
          denied.deny(receipt(one.token).tokenId)
          isDenied.add(one.token)
        } else {
          const due = model.filter((entry) => !entry.isOver && isDenied.has(entry.token))
          streams.sweep()
          expect(due.every(({ isCut }) => isCut)).toBe(true)
          for (const entry of due) entry.isOver = true
        }
        expect(model.filter(({ isOver, isCut }) => isCut && !isOver)).toEqual([])
      }
      streams.close()
    }),
  )
})

function receipt(token: number): Receipt {
  return { paymentHash: `hash ${token}`, tokenId: `token ${token}` } as Receipt
}
