import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { msat } from '../../library/src/amount/index.ts'
import { randomBytes } from '../../library/src/bytes/index.ts'
import { decodeInvoice, paymentHash } from '../../library/src/invoice/index.ts'
import type { Wallet } from '../../library/src/lightning/index.ts'
import { openWallet } from '../../library/src/lightning/wallet/index.ts'
import { skipPart } from '../parts.ts'

// Wallets that no package brings: they are tried where one runs and is named. What they answered
// elsewhere is in the look-alikes.
const wallets = [
  ['core-lightning', 'lightningd', 'SATWAY_CLN_WALLET'],
  ['phoenixd', 'phoenixd', 'SATWAY_PHOENIXD_WALLET'],
] as const

for (const [part, program, variable] of wallets) {
  const uri = process.env[variable]
  const installed = isOnPath(program) ? `${program} is here, but ` : ''
  const lack = uri === undefined ? `${installed}${variable} names no wallet` : undefined

  describe.skipIf(skipPart(part, lack))(`${part}, as it runs`, () => {
    let wallet: Wallet
    beforeAll(async () => {
      wallet = await openWallet(uri ?? '')
    })
    afterAll(() => wallet?.close())

    test('R-LN-1 is ready, on the network that it is named for', async () => {
      const facts = await wallet.examine()
      expect(facts.notReady).toBeUndefined()
      expect([wallet.network, undefined]).toContain(facts.network)
    })

    test('R-LN-4 makes invoices that say what was asked for, and knows them', async () => {
      const { payee } = wallet
      if (payee === undefined) throw new Error('It is no payee.')
      const amountMsat = msat(21n * 1000n)
      const order = { amountMsat, description: 'tea, 2 cups ☕', expirySeconds: 600 }
      const invoice = decodeInvoice((await payee.createInvoice(order)).invoice)
      expect(invoice).toMatchObject(order)
      expect(await payee.lookupInvoice(invoice.paymentHash)).toEqual({ status: 'open' })
      const never = paymentHash(randomBytes(32))
      expect(await payee.lookupInvoice(never)).toEqual({ status: 'not-found' })
    })
  })
}

function isOnPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}
