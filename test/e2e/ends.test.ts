import { existsSync, mkdirSync } from 'node:fs'
import type { Server } from 'node:http'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { callReport } from '../../program/src/schema/index.ts'
import { makeHome, root, satway, shell } from './satway.ts'
import type { Shop } from './shop.ts'
import { openShop } from './shop.ts'

type Report = Readonly<Record<string, unknown>>
const folder = makeHome()
let shop: Shop
/** Takes orders, and answers none. */
let mute: Server
let home: string
let count = 0

beforeAll(async () => {
  shop = await openShop(folder.path, {
    'GET /': 'free',
    'GET /data': { price: '10 sat' },
    'GET /once': { price: '10 sat', uses: 1 },
  })
  mute = createServer(() => undefined)
  await new Promise<void>((resolve) => mute.listen(0, '127.0.0.1', resolve))
})
beforeEach(() => {
  home = join(folder.path, `spender-${count++}`)
  mkdirSync(home, { mode: 0o700 })
  shop.serve((_, response) => response.end('goods'))
})
afterAll(async () => {
  mute.closeAllConnections()
  await new Promise((resolve) => mute.close(resolve))
  await shop.close()
  folder.remove()
})

const program = join(root, 'program/bin/satway.js')
const env = (): Record<string, string> => ({ SATWAY_HOME: home, SATWAY_WALLET: shop.wallet })
/** What a server keeps a connection open for, at the least. */
const patienceMs = 5000

describe('a call that is over ends the process', () => {
  test('R-GET-25 when a redirect that is not followed has a body without an end', async () => {
    shop.serve((_, response) => {
      response.writeHead(302, { location: '/' })
      response.write('see there')
    })
    const startedMs = performance.now()
    const { code } = await satway(folder.path, ['get', '--max-redirects', '0', shop.url], {
      env: env(),
    })
    expect(code).toBe(7)
    expect(performance.now() - startedMs).toBeLessThan(patienceMs)
  })

  test('R-GET-25 when the wallet never answers', async () => {
    const { port } = mute.address() as { readonly port: number }
    const wallet = `http://127.0.0.1:${port}/payinvoice?network=regtest`
    const startedMs = performance.now()
    const args = ['get', '--payment-timeout', '1', '--wallet', wallet, `${shop.url}/data`]
    const { code, stderr } = await satway(folder.path, args, { env: env() })
    expect([code, stderr]).toEqual([5, expect.stringContaining('satway resume')])
    expect(performance.now() - startedMs).toBeLessThan(patienceMs)
  })
})

describe.skipIf(process.platform !== 'linux')('a disk that is full', () => {
  const run = (line: string): ReturnType<typeof shell> =>
    shell(folder.path, `node ${program} ${line}`, { env: env() })
  const lines = [
    ['standard output', '> /dev/full'],
    ['a document', '--json > /dev/full'],
    ['a device', '-o /dev/full'],
  ] as const

  for (const [name, rest] of lines) {
    test(`R-GET-26 ends a call that paid with its hash, and 6: ${name}`, async () => {
      const { code, stderr } = await run(`get ${shop.url}/data ${rest}`)
      expect(stderr).toMatch(/Payment hash [0-9a-f]{64}/)
      expect(stderr).toMatch(/cannot be written \(ENOSPC\)/)
      expect(stderr).toMatch(/satway resume\s+[0-9a-f]{12}/)
      expect(stderr).not.toMatch(/\n\s+at /)
      expect(code).toBe(6)
    })

    test(`R-GET-26 ends a call that paid nothing with a sentence, and 1: ${name}`, async () => {
      const { code, stderr } = await run(`get ${shop.url}/ ${rest}`)
      expect(stderr).toMatch(/cannot be written \(ENOSPC\)\.\nNothing was paid\.\n$/)
      expect(code).toBe(1)
    })
  }

  test('R-GET-26 ends any other command with a sentence, and 1', async () => {
    const { code, stderr } = await run('policy show > /dev/full')
    expect([code, stderr]).toEqual([1, 'satway: standard output cannot be written (ENOSPC).\n'])
  })
})

describe('R-GET-27 a file whose token was good for one request', () => {
  const run = (args: readonly string[]): ReturnType<typeof satway> =>
    satway(folder.path, args, { env: env() })
  /** Answers with two thirds of what it announced. */
  const breakOff = (): void => {
    shop.serve((_, response) => {
      response.writeHead(200, { 'content-length': 30_000, etag: '"v1"' })
      response.write('x'.repeat(20_000))
      setTimeout(() => response.destroy(), 100)
    })
  }

  test('is not paid for a second time by --continue, nor gone on with by resume', async () => {
    const file = join(home, 'once.bin')
    breakOff()
    const first = await run(['get', `${shop.url}/once`, '-o', file])
    expect([first.code, existsSync(`${file}.part`)]).toEqual([6, true])
    const spent = shop.spentMsat()

    const rest = await run(['get', `${shop.url}/once`, '-o', file, '-c'])
    expect([rest.code, rest.stderr]).toEqual([
      3,
      expect.stringMatching(/would have to be paid for again[\s\S]*leave\s+out\s+--continue/),
    ])
    const anew = await run(['get', `${shop.url}/once`, '-o', file])
    expect([anew.code, anew.stderr]).toEqual([6, expect.stringMatching(/tokens\s+abandon/)])
    const [hash = ''] = /[0-9a-f]{64}/.exec(first.stderr) ?? []
    const resumed = await run(['resume', hash, '-o', file])
    expect([resumed.code, resumed.stderr]).toEqual([6, expect.stringMatching(/tokens\s+abandon/)])
    expect(resumed.stderr).not.toMatch(/satway\s+resume [0-9a-f]/)
    expect(shop.spentMsat()).toBe(spent)

    expect((await run(['tokens', 'abandon', hash, '--yes'])).code).toBe(0)
    shop.serve((_, response) => response.end('whole'))
    expect((await run(['get', `${shop.url}/once`, '-o', file])).code).toBe(0)
    expect(shop.spentMsat()).toBeGreaterThan(spent)
  })
})

test('R-GET-11 --dry-run ends as the call would, while a payment for the same has no end', async () => {
  shop.buyer.injectFault({ kind: 'in-flight' })
  const run = (...args: readonly string[]): ReturnType<typeof satway> =>
    satway(folder.path, ['get', `${shop.url}/data`, '--json', ...args], { env: env() })
  const first = JSON.parse((await run('--payment-timeout', '20')).stdout) as Report
  const { code, stdout } = await run('--dry-run')
  expect(JSON.parse(stdout)).toMatchObject({
    outcome: 'unknown',
    dryRun: true,
    resume: first['paymentHash'],
    exitCode: 5,
  })
  expect(code).toBe(5)
})

test.each([
  ['an unknown flag', ['get', '--json', '--wrong', 'http://127.0.0.1:1/'], 2, 'USAGE'],
  [
    'two flags that contradict each other',
    ['get', '--json', '--human', 'http://127.0.0.1:1/'],
    2,
    'USAGE',
  ],
  ['no URL', ['get', '--json'], 2, 'USAGE'],
  [
    'a file that is not there',
    ['get', '--json', '-d', '@/not/there', 'http://127.0.0.1:1/'],
    1,
    'FAILED',
  ],
  ['a payment that nobody knows', ['resume', '--json', 'abcdef0123456789'], 2, 'USAGE'],
])('R-GET-1 with --json a mistake is a document too: %s', async (_, args, exitCode, code) => {
  const ended = await satway(folder.path, args, { env: env() })
  expect(callReport.parse(JSON.parse(ended.stdout))).toMatchObject({
    outcome: 'not_paid',
    error: { code },
    exitCode,
  })
  expect([ended.code, ended.stderr]).not.toEqual([exitCode, ''])
  expect(ended.code).toBe(exitCode)
})
