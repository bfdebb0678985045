import { decodeInvoice, msat } from 'satway'
import { createDevnet } from 'satway/lightning/devnet'
import { describe, expect, test, vi } from 'vitest'
import { localLink } from './local-link.ts'

function open(settled?: () => void) {
  const devnet = createDevnet()
  const payee = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: msat(1_000_000n) })
  const options = { payee, config: 'first', ...(settled !== undefined && { settled }) }
  return { payee, buyer, ...localLink(options) }
}

describe('R-WRK-1 one process is its own worker, by the same link', () => {
  test('it is not ready before it says so, nor while it drains', async () => {
    const { link, fleet } = open()
    expect(fleet.status()).toEqual({ wanted: 1, ready: 0, restarts: 0 })
    link.ready()
    expect(fleet.status()).toEqual({ wanted: 1, ready: 1, restarts: 0 })
    await fleet.drain(1000)
    expect(fleet.status()).toEqual({ wanted: 1, ready: 0, restarts: 0 })
  })

  test('it has a name, the first configuration, and an owner name of its own', async () => {
    const { link, fleet } = open()
    const other = open()
    expect([link.name, link.config, link.payee.network]).toEqual(['primary', 'first', 'regtest'])
    expect(link.owner).not.toBe(other.link.owner)
    await fleet.stop()
    await other.fleet.stop()
  })

  test('reloads come one after the other, and a refusal reaches the caller', async () => {
    const { link, fleet } = open()
    const seen: string[] = []
    link.onReload(async (text) => {
      seen.push(`${text} begins`)
      await Promise.resolve()
      if (text === 'bad') throw new Error('not this one')
      seen.push(`${text} ends`)
    })
    const results = await Promise.allSettled([
      fleet.reload('a'),
      fleet.reload('bad'),
      fleet.reload('b'),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(seen).toEqual(['a begins', 'a ends', 'bad begins', 'b begins', 'b ends'])
    await fleet.stop()
  })

  test('it drains once, however often it is told to, and no longer than it may', async () => {
    const { link, fleet } = open()
    const drain = vi.fn(() => new Promise<void>(() => undefined))
    link.onDrain(drain)
    const startedAt = performance.now()
    await Promise.all([fleet.drain(10), fleet.drain(10)])
    expect(drain).toHaveBeenCalledTimes(1)
    expect(performance.now() - startedAt).toBeLessThan(15_000)
  })

  test('it collects and opens its logs anew', async () => {
    const { link, fleet } = open()
    expect(await fleet.collect()).toEqual([])
    const reopen = vi.fn()
    link.onReopen(reopen)
    link.onCollect(() => 'counts')
    fleet.reopen()
    expect(reopen).toHaveBeenCalledTimes(1)
    expect(await fleet.collect()).toEqual(['counts'])
    await fleet.stop()
  })

  test('it is told of settlements', async () => {
    const settled = vi.fn()
    const { payee, buyer, fleet } = open(settled)
    const { invoice } = await payee.createInvoice({
      amountMsat: msat(1000n),
      description: '',
      expirySeconds: 60,
    })
    await buyer.pay(decodeInvoice(invoice), { maxFeeMsat: msat(100_000n) })
    await vi.waitFor(() => expect(settled).toHaveBeenCalledTimes(1))
    await fleet.stop()
  })
})
