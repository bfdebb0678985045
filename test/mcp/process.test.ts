import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { afterEach, describe, expect, test } from 'vitest'
import { msat, satToMsat } from '../../library/src/amount/index.ts'
import type { DevnetNode } from '../../library/src/lightning/devnet/index.ts'
import { createDevnet, serveWallet } from '../../library/src/lightning/devnet/index.ts'
import type { Seller } from '../client/seller.ts'
import { startSeller } from '../client/seller.ts'
import type { Era } from './office.ts'
import { call, reportOf, textOf } from './office.ts'

const program = resolve(fileURLToPath(import.meta.url), '../../../program/bin/satway.js')

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

type Street = {
  readonly seller: Seller
  readonly sellerNode: DevnetNode
  readonly home: string
  readonly env: Record<string, string>
}

/** A seller and a wallet on this machine, and a home whose policy lets them be asked. */
async function openStreet(
  policy: readonly string[] = ['per_payment: 50 sat', 'total: 500 sat'],
): Promise<Street> {
  const devnet = createDevnet()
  const sellerNode = devnet.addNode('seller', { balanceMsat: msat(0n) })
  const buyer = devnet.addNode('buyer', { balanceMsat: satToMsat(100_000n) })
  const seller = await startSeller({ payee: sellerNode, now: () => Date.now() / 1000 })
  const home = mkdtempSync(join(tmpdir(), 'satway-mcp-process-'))
  closers.push(() => rmSync(home, { recursive: true, force: true }))
  const file = join(home, 'wallet.json')
  const wallet = await serveWallet(buyer, { file })
  closers.push(() => wallet.close())
  const lines = ['version: 1', 'allow_private: [127.0.0.1]', ...policy]
  writeFileSync(join(home, 'policy.yaml'), `${lines.join('\n')}\n`, { mode: 0o600 })
  // The keychain of the machine is none of a test's business.
  writeFileSync(join(home, 'config.yaml'), 'key: file\n', { mode: 0o600 })
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: home,
    SATWAY_HOME: home,
    SATWAY_WALLET: `devnet:${file}`,
  }
  return { seller, sellerNode, home, env }
}

type Served = {
  readonly host: Client
  readonly pid: number
  /** What it wrote to standard error. */
  stderr(): string
  /** What on its output was no message of the protocol. */
  readonly mistakes: readonly Error[]
}

async function startServer(
  street: Street,
  era: Era = 'modern',
  ...args: string[]
): Promise<Served> {
  const transport = new StdioClientTransport({
    command: process.execPath,
    args: [program, 'mcp', ...args],
    env: street.env,
    cwd: street.home,
    stderr: 'pipe',
  })
  let text = ''
  transport.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString('utf8')
  })
  const mode = era === 'modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {}
  const host = new Client({ name: 'host', version: '0.0.0' }, mode)
  const mistakes: Error[] = []
  host.onerror = (error) => mistakes.push(error)
  await host.connect(transport)
  closers.push(() => host.close())
  return { host, pid: transport.pid!, stderr: () => text, mistakes }
}

for (const era of ['legacy', 'modern'] as const) {
  test(`R-MCP-2 a host starts it, and nothing but the protocol is on its output: ${era}`, async () => {
    const street = await openStreet()
    const { host, stderr, mistakes } = await startServer(street, era)
    const { origin } = street.seller
    const bought = await call(host, 'fetch', {
      url: `${origin}/data?key=s3cret`,
      maxCost: '20 sat',
    })
    expect(reportOf(bought)).toMatchObject({ outcome: 'paid_delivered', amountMsat: '10000' })
    const saved = await call(host, 'fetch', {
      url: `${origin}/data?key=s3cret`,
      saveAs: 'data.txt',
    })
    expect(readFileSync(reportOf(saved).output!, 'utf8')).toBe('paid /data?key=s3cret')
    expect(street.sellerNode.balanceMsat()).toBe(10_000n)
    const receipts = await call(host, 'receipts')
    expect(JSON.stringify(receipts.structuredContent)).toContain('"settled"')
    await host.close()
    expect(mistakes).toEqual([])
    const lines = stderr().trimEnd().split('\n')
    for (const line of lines) expect(line).toMatch(/^\d{4}-\d\d-\d\dT\S+Z satway mcp: \S.*$/)
    expect(stderr()).toMatch(/ fetch 127\.0\.0\.1:\d+ paid_delivered \d+ ms/)
    expect(stderr()).not.toMatch(/s3cret|[0-9a-f]{64}/)
  })
}

test('R-MCP-8 a message that is too long gets an answer, and what comes after it is served', async () => {
  const { host, stderr } = await startServer(await openStreet(), 'legacy')
  const long = call(host, 'fetch', { url: `https://a.example/${'x'.repeat(5_000_000)}` })
  await expect(long).rejects.toThrow(/at most 4194304 bytes/)
  expect((await call(host, 'spending')).isError).toBeUndefined()
  expect(stderr()).toContain('a message could not be handled (MessageTooLong)')
})

describe('R-MCP-3 it stops in order', () => {
  for (const how of ['the end of its input', 'SIGTERM', 'SIGINT'] as const) {
    test(`by ${how}, with a call under way`, async () => {
      const street = await openStreet()
      const child = spawn(process.execPath, [program, 'mcp'], { env: street.env, stdio: 'pipe' })
      closers.push(() => child.kill('SIGKILL'))
      const asked = Promise.withResolvers<void>()
      const slow = await startSeller({
        payee: street.sellerNode,
        now: () => Date.now() / 1000,
        answer: () => {
          asked.resolve()
          return { raw: () => undefined }
        },
      })
      const messages = [
        {
          id: 1,
          method: 'initialize',
          params: {
            protocolVersion: '2025-06-18',
            capabilities: {},
            clientInfo: { name: 'x', version: '1' },
          },
        },
        { method: 'notifications/initialized' },
        {
          id: 2,
          method: 'tools/call',
          params: { name: 'fetch', arguments: { url: `${slow.origin}/data` } },
        },
      ]
      for (const message of messages)
        child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
      let stderr = ''
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString('utf8')
      })
      child.stdout.resume()
      await asked.promise
      const exited = once(child, 'exit')
      if (how === 'the end of its input') child.stdin.end()
      else child.kill(how)
      expect(await exited).toEqual([0, null])
      expect(stderr).toContain('fetch 127.0.0.1')
      expect(stderr).toMatch(/INTERRUPTED[^\n]*\n[^\n]*stopped\n$/)
    })
  }
})

test('R-MCP-35 what waits for the person is approved at the command line, and by nobody else', async () => {
  const street = await openStreet(['per_payment: 50 sat', 'total: 500 sat', 'new_hosts: ask'])
  const { host } = await startServer(street)
  const { origin } = street.seller
  const waiting = await call(host, 'fetch', { url: `${origin}/data` })
  const id = reportOf(waiting).approvalId
  expect(textOf(waiting)).toContain(`\`satway approvals approve ${id}\``)
  expect(street.sellerNode.balanceMsat()).toBe(0n)
  const approve = spawn(process.execPath, [program, 'approvals', 'approve', `${id}`, '--yes'], {
    env: street.env,
  })
  const [code] = await once(approve, 'exit')
  expect(code).toBe(0)
  const bought = await call(host, 'fetch', { url: `${origin}/data` })
  expect(reportOf(bought).outcome).toBe('paid_delivered')
})

test('R-MCP-35 a call that may wait longer than it has time still says that it waits', async () => {
  const street = await openStreet(['per_payment: 50 sat', 'total: 500 sat', 'new_hosts: ask'])
  const config = 'key: file\napproval_wait_seconds: 3600\n'
  writeFileSync(join(street.home, 'config.yaml'), config, { mode: 0o600 })
  const { host } = await startServer(street)
  const asked = { url: `${street.seller.origin}/data`, timeoutSeconds: 4 }
  const report = reportOf(await call(host, 'fetch', asked))
  expect(report).toMatchObject({ outcome: 'refused', error: { reason: 'approval-pending' } })
  expect(report.approvalId).toMatch(/^\w{8}$/)
})

test('R-MCP-13 a hundred calls of two servers with one home do not pass the budget', async () => {
  const street = await openStreet(['total: 200 sat', 'per_payment: 50 sat'])
  const servers = await Promise.all([startServer(street), startServer(street, 'legacy')])
  const calls = Array.from({ length: 100 }, (_, i) =>
    call(servers[i % 2]!.host, 'fetch', { url: `${street.seller.origin}/item${i}` }),
  )
  const outcomes = (await Promise.all(calls)).map((result) => reportOf(result).outcome)
  expect(new Set(outcomes)).toEqual(new Set(['paid_delivered', 'refused']))
  const sold = outcomes.filter((outcome) => outcome === 'paid_delivered').length
  expect(street.sellerNode.balanceMsat()).toBe(BigInt(sold) * 10_000n)
  expect(sold).toBeGreaterThan(12)
  expect(sold).toBeLessThan(20)
})

test('R-MCP-50 with --http it says where it is, and never what its token is', async () => {
  const street = await openStreet()
  const child = spawn(process.execPath, [program, 'mcp', '--http', '0'], {
    env: street.env,
    stdio: 'pipe',
  })
  closers.push(() => child.kill('SIGKILL'))
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString('utf8')
  })
  let failed = (): void => undefined
  const url = await new Promise<string>((resolve, reject) => {
    failed = () => reject(new Error(stderr))
    child.once('exit', failed)
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8')
      const match = /serves (http:\S+\/mcp),/.exec(stderr)
      if (match !== null) resolve(match[1]!)
    })
  })
  const file = join(street.home, 'mcp.token')
  const secret = readFileSync(file, 'utf8').trim()
  expect(stderr).toContain(file)
  const host = new Client({ name: 'host', version: '0.0.0' })
  const requestInit = { headers: { authorization: `Bearer ${secret}` } }
  await host.connect(new StreamableHTTPClientTransport(new URL(url), { requestInit }))
  const bought = await call(host, 'fetch', { url: `${street.seller.origin}/data` })
  expect(reportOf(bought).outcome).toBe('paid_delivered')
  await host.close()
  child.off('exit', failed)
  const exited = once(child, 'exit')
  child.kill('SIGTERM')
  expect(await exited).toEqual([0, null])
  expect(stdout).toBe('')
  expect(stderr).not.toContain(secret)
})

test('R-MCP-12 a broken policy pays nothing, and what is free goes on', async () => {
  const street = await openStreet(['per_payment: lots', 'total: 500 sat'])
  expect(existsSync(join(street.home, 'policy.yaml'))).toBe(true)
  const { host } = await startServer(street)
  const refused = await call(host, 'fetch', { url: `${street.seller.origin}/data` })
  expect(reportOf(refused).outcome).toBe('refused')
  expect(street.sellerNode.balanceMsat()).toBe(0n)
})
