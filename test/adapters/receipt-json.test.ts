import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import { Hono } from 'hono'
import { describe, expect, test } from 'vitest'
import { l402 as expressL402 } from '../../library/src/middleware/express/index.ts'
import { l402 as honoL402 } from '../../library/src/middleware/hono/index.ts'
import type { Stall } from './stall.ts'
import { admissionOf, openStall, paidRequest } from './stall.ts'

const charge = { price: '10 sat', capability: 'forecast' } as const

/** What a receipt is in JSON. */
function paidJson(stall: Stall, paymentHash: string): object {
  return {
    tokenId: expect.stringMatching(/^[0-9a-f]{64}$/),
    paymentHash,
    amountMsat: '10000',
    service: 'weather',
    capability: 'forecast',
    tier: 0,
    validUntilSeconds: stall.clock.seconds + 4200,
    soldUntilSeconds: stall.clock.seconds + 4200,
  }
}

describe('R-SRV-50 a receipt can be sent as JSON', () => {
  test('and stays an object with a bigint for who computes', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(charge)
    const { authorization, paymentHash } = await stall.buy(gate)
    const { receipt } = admissionOf(await gate(paidRequest(authorization)))
    expect(receipt?.amountMsat).toBe(10_000n)
    expect(Object.keys(receipt!)).not.toContain('toJSON')
    expect(JSON.parse(JSON.stringify(receipt))).toEqual(paidJson(stall, paymentHash))
  })

  test('by Express', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(charge)
    const { authorization, paymentHash } = await stall.buy(gate)
    const app = express()
    app.get('/forecast', expressL402(gate), (req, res) => void res.json(req.l402))
    const server = createServer(app)
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
    try {
      const { port } = server.address() as AddressInfo
      const url = `http://127.0.0.1:${port}/forecast`
      const response = await fetch(url, { headers: { authorization } })
      expect(response.status).toBe(200)
      expect(await response.json()).toEqual(paidJson(stall, paymentHash))
    } finally {
      server.close()
      server.closeAllConnections()
    }
  })

  test('by Hono', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(charge)
    const { authorization, paymentHash } = await stall.buy(gate)
    const app = new Hono()
    app.get('/forecast', honoL402(gate), (c) => c.json({ paid: c.get('l402') }))
    const response = await app.request('/forecast', { headers: { authorization } })
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ paid: paidJson(stall, paymentHash) })
  })

  test('and so can everything that listeners are told', async () => {
    const stall = openStall()
    const gate = stall.paywall.charge(charge)
    const { authorization } = await stall.buy(gate)
    await gate(paidRequest(authorization))
    await gate(paidRequest(`${authorization}00`))
    await expect.poll(() => stall.told.map(({ name }) => name)).toContain('settled')
    await stall.paywall.close()

    const json = JSON.parse(JSON.stringify(stall.told)) as { name: string; event: unknown }[]
    const byName = new Map(json.map(({ name, event }) => [name, event]))
    expect(byName.get('challenge')).toMatchObject({ amountMsat: '10000', reused: false })
    expect(byName.get('settled')).toMatchObject({ amountMsat: '10000', capability: 'forecast' })
    expect(byName.get('admitted')).toMatchObject({ receipt: { amountMsat: '10000' } })
    expect(byName.get('refused')).toMatchObject({ status: 401 })
  })
})
