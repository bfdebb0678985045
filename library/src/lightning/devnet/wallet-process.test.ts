import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execPath } from 'node:process'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { msat } from '../../amount/index.ts'
import { decodeHex, encodeHex } from '../../bytes/index.ts'
import { decodeInvoice, preimage, provesPayment } from '../../invoice/index.ts'
import type { Devnet, DevnetNode, WalletServer } from './index.ts'
import { createDevnet, serveWallet } from './index.ts'

// The buyer is a process of its own, as it is when a seller runs in one terminal and an agent in
// another. Node runs the sources as they are.
const buyerProgram = `
  const [file, text, action] = process.argv.slice(1)
  const { connectWallet, readWalletFile } = await import('${new URL('./index.ts', import.meta.url)}')
  const { decodeInvoice } = await import('${new URL('../../invoice/index.ts', import.meta.url)}')
  const wallet = connectWallet(await readWalletFile(file))
  const invoice = decodeInvoice(text)
  const outcome = action === 'lookup'
    ? await wallet.lookupPayment(invoice.paymentHash)
    : await wallet.pay(invoice, { maxFeeMsat: 10000n })
  console.log(outcome.status, Buffer.from(outcome.preimage ?? []).toString('hex'))
`

let folder: string
let file: string
let devnet: Devnet
let buyer: DevnetNode
let seller: DevnetNode
let server: WalletServer

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'satway-'))
  file = join(folder, 'wallet.json')
  devnet = createDevnet()
  buyer = devnet.addNode('buyer', { balanceMsat: msat(1_000_000n) })
  seller = devnet.addNode('seller', { balanceMsat: msat(0n) })
  server = await serveWallet(buyer, { file })
})

afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true })
})

test('R-LN-8 R-LN-42 two other processes pay one invoice at the same time, once', async () => {
  const invoice = await invoiceOf()
  const runs = await Promise.all([
    finish(startBuyer(invoice.text, 'pay')),
    finish(startBuyer(invoice.text, 'pay')),
  ])
  for (const run of runs) {
    const [status, hex = ''] = run.trim().split(' ')
    expect(status).toBe('settled')
    expect(provesPayment(preimage(decodeHex(hex)), invoice.paymentHash)).toBe(true)
  }
  expect(seller.balanceMsat()).toBe(50_000n)
})

test('R-LN-12 a buyer that was killed in the middle finds its payment again', async () => {
  const invoice = await invoiceOf()
  buyer.injectFault({ kind: 'hang' })
  const stop = new AbortController()
  const settlements = seller.settlements(stop.signal)[Symbol.asyncIterator]()
  const child = startBuyer(invoice.text, 'pay')
  await settlements.next()
  const closed = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await closed
  stop.abort()
  const [status, hex = ''] = (await finish(startBuyer(invoice.text, 'lookup'))).trim().split(' ')
  expect(status).toBe('settled')
  expect(provesPayment(preimage(decodeHex(hex)), invoice.paymentHash)).toBe(true)
  expect((await finish(startBuyer(invoice.text, 'pay'))).trim().split(' ')).toEqual([status, hex])
  expect(seller.balanceMsat()).toBe(50_000n)
})

test('R-LN-46 the secret does not go through a proxy of the environment', async () => {
  let asked = 0
  const proxy = createServer((socket) => {
    asked++
    socket.destroy()
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const invoice = await invoiceOf()
  const child = startBuyer(invoice.text, 'pay', {
    NODE_USE_ENV_PROXY: '1',
    HTTP_PROXY: url,
    http_proxy: url,
  })
  expect(await finish(child)).toMatch(/^settled /)
  expect(asked).toBe(0)
  await new Promise((resolve) => proxy.close(resolve))
})

async function invoiceOf() {
  const request = { amountMsat: msat(50_000n), description: 'test', expirySeconds: 600 }
  const invoice = decodeInvoice((await seller.createInvoice(request)).invoice)
  expect(encodeHex(invoice.payee)).toBe(encodeHex(seller.nodeId))
  return invoice
}

function startBuyer(
  invoice: string,
  action: 'pay' | 'lookup',
  environment: Readonly<Record<string, string>> = {},
): ChildProcess {
  const args = ['--input-type=module', '--eval', buyerProgram, '--', file, invoice, action]
  return spawn(execPath, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', ...environment },
    timeout: 30_000,
  })
}

async function finish(child: ChildProcess): Promise<string> {
  let output = ''
  for await (const chunk of child.stdout!) output += chunk
  return output
}
