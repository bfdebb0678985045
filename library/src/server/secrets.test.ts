import { inspect } from 'node:util'
import { expect, test } from 'vitest'
import {
  admissionOf,
  openStall,
  paidRequest,
  purchase,
  readBody,
  refusalOf,
  request,
} from '../../../test/adapters/stall.ts'
import { encodeBase64, encodeHex } from '../bytes/index.ts'
import { preimage } from '../invoice/index.ts'
import { decodeToken } from '../macaroon/index.ts'
import { createKeyRing, createMemoryUseStore } from './index.ts'

const mark = Uint8Array.from({ length: 32 }, (_, i) => 0xa0 + i)

/** Every way in which 32 secret bytes could have been written down, in pieces long enough to tell. */
function spellings(secret: Uint8Array): readonly string[] {
  const hex = encodeHex(secret)
  return [
    hex.slice(8, 40),
    hex.slice(8, 40).toUpperCase(),
    encodeBase64(secret).slice(2, 30),
    encodeBase64(secret.slice(1)).slice(2, 30),
    encodeBase64(secret.slice(2)).slice(2, 30),
    [...secret.slice(4, 12)].join(','),
    [...secret.slice(4, 12)].join(', '),
  ]
}

test('S8 R-SRV-4 R-SRV-50 no key, token or preimage is in any output of the paywall', async () => {
  const outputs: string[] = []
  const record = (value: unknown): void => {
    outputs.push(
      inspect(value, { depth: 12, showHidden: true, maxArrayLength: 1000, maxStringLength: null }),
    )
    outputs.push(
      JSON.stringify(value, (_, part: unknown) =>
        typeof part === 'bigint' ? String(part) : part,
      ) ?? '',
    )
  }
  const keys = createKeyRing([{ kid: 1, key: mark }])
  const uses = createMemoryUseStore()
  const listeners = Object.fromEntries(
    (['challenge', 'admitted', 'refused', 'settled', 'failure'] as const).map((name) => [
      name,
      record,
    ]),
  )
  const stall = openStall({ keys, uses, on: listeners })
  const gate = stall.paywall.charge({ price: '10 sat', capability: 'forecast', uses: 5 })
  const bought = await stall.buy(gate)
  const wrong = preimage(mark.map((byte) => byte ^ 0xff))

  const decisions = [
    await gate(paidRequest(bought.authorization)),
    await gate(paidRequest(bought.narrowed('method=POST'))),
    await gate(paidRequest(bought.narrowed(`preimage=${encodeHex(wrong)}`))),
    await gate(paidRequest(bought.narrowed(`colour=${encodeHex(bought.preimage)}`))),
    await gate(paidRequest(purchase(bought.token, wrong).authorization)),
    await gate(paidRequest(`${bought.authorization}x`)),
    await gate(paidRequest(bought.authorization.replace('=:', '!:'))),
    await gate(request({ target: `//${bought.authorization}` })),
    await gate(request({ method: bought.authorization })),
    await gate(
      request({
        headers: {
          authorization: [bought.authorization, purchase(bought.token, wrong).authorization],
        },
      }),
    ),
  ]
  admissionOf(decisions[0]!)
  stall.seller.setReachable(false)
  decisions.push(await gate(request({ clientAddress: '198.51.100.9' })))
  decisions.push(await gate(paidRequest(bought.authorization)))
  for (const decision of decisions) {
    record(decision)
    if (decision.status === 'admitted') record(decision.responseHeaders(() => undefined))
  }
  for (const value of [keys, uses, stall.paywall, gate]) record(value)

  const all = outputs.join('\n')
  expect(all.length).toBeGreaterThan(5000)
  const { signature } = decodeToken(bought.token)
  // The one challenge that asks for a payment carries its own token, and nothing else does.
  for (const [what, secret] of Object.entries({
    'master key': mark,
    preimage: bought.preimage,
    'wrong preimage': wrong,
    signature,
  })) {
    for (const spelling of spellings(secret))
      expect(all.includes(spelling), `${what}: ${spelling}`).toBe(false)
  }
  expect(all).not.toContain(bought.token.slice(20, 60))
  await stall.paywall.close()
})

test('S8 what is thrown at an operator names no secret either', async () => {
  const outputs: string[] = []
  const refusals = [
    () => createKeyRing([{ kid: 1, key: mark.slice(1) }]),
    () => openStall({ keys: { newestKid: 1 } as never }),
    () => openStall().paywall.charge({ price: encodeHex(mark), capability: encodeHex(mark) }),
  ]
  for (const run of refusals) {
    try {
      run()
    } catch (error) {
      outputs.push(inspect(error, { depth: 5 }))
    }
  }
  expect(outputs).toHaveLength(3)
  for (const spelling of spellings(mark)) expect(outputs.join('\n')).not.toContain(spelling)
})

test('R-SRV-51 a listener that throws or rejects changes nothing', async () => {
  const fail = (): never => {
    throw new Error('listener')
  }
  const reject = (): Promise<never> => Promise.reject(new Error('listener'))
  for (const listener of [fail, reject]) {
    const on = {
      challenge: listener,
      admitted: listener,
      refused: listener,
      settled: listener,
      failure: listener,
    }
    const stall = openStall({ on })
    const gate = stall.paywall.charge({ price: '10 sat', capability: 'forecast' })
    const { authorization } = await stall.buy(gate)
    admissionOf(await gate(paidRequest(authorization)))
    stall.seller.setReachable(false)
    const response = refusalOf(await gate(request({ clientAddress: '198.51.100.9' })))
    expect(readBody(response)['code']).toBe('NODE_UNAVAILABLE')
    await stall.paywall.close()
  }
})

test('R-SRV-50 each decision is told, precisely', async () => {
  const stall = openStall()
  const gate = stall.paywall.charge({ price: '10 sat', capability: 'forecast' })
  const { authorization, paymentHash, narrowed } = await stall.buy(gate)
  const { receipt } = admissionOf(await gate(paidRequest(authorization)))
  await gate(paidRequest(narrowed('method=POST')))
  await stall.paywall.close()
  expect(stall.told.filter(({ name }) => name !== 'settled')).toEqual([
    {
      name: 'challenge',
      event: {
        capability: 'forecast',
        amountMsat: 10_000n,
        paymentHash,
        code: 'ACCESS_PAYMENT_REQUIRED',
        reused: false,
        expiresAtSeconds: expect.any(Number),
      },
    },
    {
      name: 'refused',
      event: {
        capability: 'forecast',
        status: 402,
        code: 'ACCESS_PAYMENT_REQUIRED',
        cause: 'ACCESS_PAYMENT_REQUIRED',
        details: {},
      },
    },
    { name: 'admitted', event: { capability: 'forecast', receipt } },
    {
      name: 'refused',
      event: {
        capability: 'forecast',
        status: 403,
        code: 'CAVEAT_NOT_MET',
        cause: 'CAVEAT_NOT_MET',
        details: { condition: 'method', reason: 'method' },
      },
    },
  ])
})
