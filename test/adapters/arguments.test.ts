import { describe, expect, test } from 'vitest'
import { l402 as expressL402 } from '../../library/src/middleware/express/index.ts'
import { l402 as honoL402 } from '../../library/src/middleware/hono/index.ts'
import { protect, protectUpgrade } from '../../library/src/middleware/node-http/index.ts'
import { protect as protectWeb } from '../../library/src/middleware/web/index.ts'
import { createRoutes, isGate } from '../../library/src/server/index.ts'
import { openStall } from './stall.ts'

const { paywall } = openStall()
const gate = paywall.charge({ price: '10 sat', capability: 'forecast' })
const routes = createRoutes(paywall, { 'GET /': 'free' })
const handler = (): Response => new Response('')

/** Adapters, as somebody calls them who has no types. */
type Loose = (...args: readonly unknown[]) => unknown
const withHandler: readonly (readonly [string, Loose, readonly string[]])[] = [
  ['protect', protect as Loose, ['clientAddress', 'keepCredential']],
  ['protectUpgrade', protectUpgrade as Loose, ['clientAddress', 'keepCredential']],
  ['protect', protectWeb as Loose, ['clientAddress']],
]
const withoutHandler: readonly (readonly [string, Loose, readonly string[]])[] = [
  ['l402', expressL402 as Loose, ['clientAddress', 'keepCredential']],
  ['l402', honoL402 as Loose, ['clientAddress']],
]

test('R-SRV-65 a gate is told from every other function', () => {
  expect([gate, routes].map(isGate)).toEqual([true, true])
  for (const other of [paywall, handler, undefined, null, {}, async () => gate]) {
    expect(isGate(other)).toBe(false)
  }
})

describe('R-SRV-65 an adapter checks what it is given, when it is given', () => {
  for (const [name, adapt, options] of [...withHandler, ...withoutHandler]) {
    const takesHandler = withHandler.some(([, other]) => other === adapt)
    const call = (first: unknown, ...rest: readonly unknown[]): (() => unknown) => {
      return () => (takesHandler ? adapt(first, handler, ...rest) : adapt(first, ...rest))
    }

    test(`${name} (${options.join()}) takes the gates of a paywall`, () => {
      for (const good of [gate, routes]) expect(call(good)()).toBeTypeOf('function')
      const all = { clientAddress: () => '192.0.2.1', keepCredential: undefined }
      const given = Object.fromEntries(
        Object.entries(all).filter(([option]) => options.includes(option)),
      )
      expect(call(gate, given)()).toBeTypeOf('function')
    })

    test(`${name} (${options.join()}) takes nothing else for a gate`, () => {
      const expected = `${name}: expected a gate, as paywall.charge() or createRoutes() gives`
      for (const none of [paywall, handler, undefined, null, 'gate', {}]) {
        expect(call(none)).toThrow(new TypeError(expected))
      }
    })

    test(`${name} (${options.join()}) knows its options`, () => {
      expect(call(gate, { clientAddres: () => 'x' })).toThrow(
        new TypeError(`${name}: clientAddres is not an option`),
      )
      expect(call(gate, { clientAddress: '192.0.2.1' })).toThrow(
        new TypeError(`${name}: expected clientAddress to be a function`),
      )
      for (const none of [null, 'x', handler]) {
        expect(call(gate, none)).toThrow(new TypeError(`${name}: expected an object of options`))
      }
    })
  }

  for (const [name, adapt] of withHandler) {
    test(`${name} takes the gate first and a handler second`, () => {
      expect(() => adapt(handler, gate)).toThrow(/expected a gate/)
      for (const none of [undefined, null, {}]) {
        expect(() => adapt(gate, none)).toThrow(
          new TypeError(`${name}: expected a function after the gate`),
        )
      }
    })
  }
})
