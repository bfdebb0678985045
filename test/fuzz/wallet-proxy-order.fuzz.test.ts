import { expect, test } from 'vitest'
import { ProxyProblem } from '../../program/src/wallet-proxy/proxy-problem.ts'
import type { Order } from '../../program/src/wallet-proxy/read-order.ts'
import { parseOrder } from '../../program/src/wallet-proxy/read-order.ts'
import { fuzzBytes } from './harness.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)

function readOrRefuse(input: Uint8Array): Order | undefined {
  try {
    return parseOrder(input)
  } catch (error) {
    if (error instanceof ProxyProblem && error.code === 'PROXY_MALFORMED') return undefined
    throw error
  }
}

test('R-WPX-4 orders to pay, mutated: what is read is one invoice, and limits that were said once', () => {
  let read = 0
  let refused = 0
  fuzzBytes({
    name: 'order of the wallet proxy',
    seeds: [
      '{"invoice":"lnbc10u1x"}',
      '{"invoice":"lnbc10u1x","max_cost":"100 sat","max_fee":"1500 msat"}',
      '{"invoice":"lnbc10u1x","max_cost_msat":100000,"max_fee_msat":"0"}',
      '{ "invoice" : "a\\"b:c\\\\" , "max_fee" : "1 sat" }',
    ].map(bytes),
    words: [
      ...['"invoice":"y",', '"max_cost":"1 sat",', '"max_fee_msat":1,', '"max_cost":'],
      ...['{', '}', '[', ']', ':', ',', '"', '\\', '\\u0065', 'null', 'true', '-1', '1e9', '1.5'],
    ].map(bytes),
    read: readOrRefuse,
    codes: [],
    holds: (input, result) => {
      if (result === undefined) {
        refused++
        return
      }
      read++
      const { invoice, maxCostMsat, maxFeeMsat } = result as Order
      const text = new TextDecoder().decode(input)
      const members = JSON.parse(text)
      expect(invoice).toBe(members.invoice)
      expect(invoice.length).toBeGreaterThan(0)
      const limits = [maxCostMsat, maxFeeMsat].filter((limit) => limit !== undefined)
      expect(Object.keys(members)).toHaveLength(1 + limits.length)
      for (const limit of limits) expect(limit >= 0n).toBe(true)
      // As many names as members: none was said twice.
      let names = 0
      JSON.parse(text, (name, value) => {
        if (name !== '') names++
        return value
      })
      expect(names).toBe(1 + limits.length)
      expect(text.replaceAll(/"(?:[^"\\]|\\.)*"/g, '').match(/:/g)).toHaveLength(names)
    },
  })
  expect(read).toBeGreaterThan(0)
  expect(refused).toBeGreaterThan(0)
})
