import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { decodeHex } from '../../library/src/bytes/index.ts'
import { paymentHash } from '../../library/src/invoice/index.ts'
import { skipPart } from '../parts.ts'
import type { Ended, RunOptions } from './satway.ts'
import { makeHome, root, satway, shell } from './satway.ts'
import type { Shop } from './shop.ts'
import { openShop } from './shop.ts'

const folder = makeHome()
let shop: Shop
/** A spender of his own for each test: what one bought and owes is nothing to another. */
let home: string
let count = 0

beforeAll(async () => {
  shop = await openShop(folder.path, {
    'GET /': 'free',
    'GET /data': { price: '10 sat', capability: 'data' },
    'GET /more': { price: '10 sat', capability: 'more' },
    'POST /order': { price: '10 sat', capability: 'order' },
    'GET /go': 'free',
  })
})
beforeEach(() => {
  home = join(folder.path, `spender-${count++}`)
  mkdirSync(home, { mode: 0o700 })
  shop.seen.length = 0
  shop.serve((_, response) => response.end('goods'))
})
afterAll(async () => {
  await shop.close()
  folder.remove()
})

const run = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  satway(folder.path, args, {
    ...options,
    env: { SATWAY_HOME: home, SATWAY_WALLET: shop.wallet, ...options.env },
  })
const get = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  run(['get', ...args], options)

type Report = Readonly<Record<string, unknown>>
async function report(
  args: readonly string[],
  options: RunOptions = {},
): Promise<{ readonly code: number | null; readonly report: Report }> {
  const { code, stdout, stderr } = await run([...args, '--json'], options)
  if (stdout === '') throw new Error(stderr)
  return { code, report: JSON.parse(stdout) as Report }
}

/** What a call takes from the wallet. */
async function costOf(call: () => Promise<unknown>): Promise<bigint> {
  const before = shop.spentMsat()
  await call()
  return shop.spentMsat() - before
}

const costMsat = 11_001n
const policyOf = (...lines: readonly string[]): string => ['version: 1', ...lines, ''].join('\n')
const secrets = /AgE[A-Za-z0-9+/_-]{40}|L402 [A-Za-z0-9]/

describe('what was bought', () => {
  test('is used again by the next call, and is not paid for again', async () => {
    const url = `${shop.url}/data`
    const cost = await costOf(async () => {
      const first = await get([url])
      expect(first.stdout).toBe('goods')
      expect(first.stderr).toMatch(
        new RegExp(
          `^Paid 10 sat, fee 1\\.001 sat, to ${new URL(url).host}\\.\nPayment hash [0-9a-f]{64}\n` +
            'The token is kept, and used as long as it is good\\.\n' +
            'Left to spend: 4988 sat this hour, 19988 sat today, 99988 sat in all\\.\n$',
        ),
      )
      const second = await get([url])
      expect(second.stdout).toBe('goods')
      expect(second.stderr).toBe('Nothing was paid: a token from an earlier payment opened it.\n')
    })
    expect(cost).toBe(costMsat)
  })

  test('R-GET-10 is used by --no-pay, which pays for nothing', async () => {
    const url = `${shop.url}/data`
    const cost = await costOf(async () => {
      const { code, report: refused } = await report(['get', url, '--no-pay'])
      expect(refused).toMatchObject({ outcome: 'refused', error: { reason: 'no-pay' } })
      expect(code).toBe(3)
    })
    expect(cost).toBe(0n)
    await get([url])
    expect(await costOf(async () => expect((await get([url, '--no-pay'])).code).toBe(0))).toBe(0n)
  })

  test('R-GET-11 is what --dry-run says would be used', async () => {
    const url = `${shop.url}/data`
    expect((await report(['get', url, '--dry-run'])).report).toMatchObject({
      quote: 'payable',
      amountMsat: '10000',
      maxFeeMsat: '5000',
      exitCode: 0,
    })
    await get([url])
    const { code, report: covered } = await report(['get', url, '--dry-run'])
    expect(covered).toMatchObject({ dryRun: true, quote: 'covered', outcome: 'not_paid' })
    expect(code).toBe(0)
  })

  test('R-GET-18 is also written to a file, which curl and this program take', async () => {
    const file = join(home, 'bought')
    await get([`${shop.url}/data`, '--credential', file])
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const other = { SATWAY_HOME: join(home, 'other'), SATWAY_WALLET: 'none' }
    const again = await get([`${shop.url}/data`, '-H', `@${file}`], { env: other })
    expect([again.code, again.stdout]).toEqual([0, 'goods'])
    const curl = await shell(folder.path, `curl -s -H @${file} ${shop.url}/data`)
    expect(curl.stdout).toBe('goods')
  })

  test('R-GET-18 R-AGT-25 is named and written to a file by a call that it opened, too', async () => {
    const url = `${shop.url}/data`
    const { report: bought } = await report(['get', url])
    const file = join(home, 'again')
    const { report: opened } = await report(['get', url, '--credential', file])
    expect(opened).toMatchObject({
      outcome: 'not_paid',
      amountMsat: null,
      feeMsat: null,
      paymentHash: bought['paymentHash'],
      credential: file,
      resume: null,
      exitCode: 0,
    })
    expect(readFileSync(file, 'utf8')).toMatch(/^Authorization: L402 .*\n$/)
    const { stderr } = await get([url, '--credential', join(home, 'third')])
    expect(stderr).toBe('Nothing was paid: a token from an earlier payment opened it.\n')
  })

  test('R-GET-19 is used by whoever was given it, and who never pays', async () => {
    const file = join(home, 'bought')
    await get([`${shop.url}/data`, '--credential', file])
    const [, authorization] = /^Authorization: (.*)\n$/.exec(readFileSync(file, 'utf8'))!
    const env = {
      SATWAY_HOME: join(home, 'other'),
      SATWAY_CREDENTIAL: `${shop.url} ${authorization}`,
    }
    const cost = await costOf(async () => {
      const opened = await get([`${shop.url}/data`], { env })
      expect([opened.code, opened.stdout]).toEqual([0, 'goods'])
      const { code, report: refused } = await report(['get', `${shop.url}/more`], { env })
      expect(refused).toMatchObject({ outcome: 'refused' })
      expect([3, 7]).toContain(code)
    })
    expect(cost).toBe(0n)
    const both = await get([`${shop.url}/data`, '--wallet', shop.wallet], { env })
    expect(both.code).toBe(2)
    expect(both.stderr).not.toMatch(secrets)
    expect(existsSync(join(home, 'other/journal.db'))).toBe(false)
  })
})

describe('a limit', () => {
  for (const [what, args, reason] of [
    ['of a flag', ['--max-cost', '9'], 'expected-price'],
    ['R-GET-12 in --params', ['--params', '{"max_cost":9}'], 'expected-price'],
  ] as const) {
    test(`R-GET-16 ${what} that is too low is exit code 8`, async () => {
      const cost = await costOf(async () => {
        const { code, report: refused } = await report(['get', `${shop.url}/data`, ...args])
        expect(refused).toMatchObject({ outcome: 'refused', error: { reason }, exitCode: 8 })
        expect(code).toBe(8)
        expect((await report(['get', `${shop.url}/data`, ...args, '--dry-run'])).code).toBe(8)
      })
      expect(cost).toBe(0n)
    })
  }

  test('R-GET-16 of the policy is exit code 8, and --max-cost does not raise it', async () => {
    writeFileSync(join(home, 'policy.yaml'), policyOf('per_payment: 5 sat', 'total: 1000 sat'), {
      mode: 0o600,
    })
    const cost = await costOf(async () => {
      const { code, stderr } = await get([`${shop.url}/data`, '--max-cost', '1000'])
      expect(code).toBe(8)
      expect(stderr).toContain('satway policy show')
    })
    expect(cost).toBe(0n)
  })

  test('R-GET-16 above which the operator is asked is exit code 9, with the question', async () => {
    writeFileSync(
      join(home, 'policy.yaml'),
      policyOf('per_payment: 100 sat', 'total: 1000 sat', 'auto_up_to: 5 sat'),
      { mode: 0o600 },
    )
    const cost = await costOf(async () => {
      const { code, report: waits } = await report(['get', `${shop.url}/data`])
      expect(waits).toMatchObject({ outcome: 'refused', error: { reason: 'approval-pending' } })
      expect(waits['approvalId']).toMatch(/^[A-Za-z0-9]{8}$/)
      expect(code).toBe(9)
      const { stderr } = await get([`${shop.url}/data`, '--approval-wait', '0.3'])
      expect(stderr).toContain(`satway approvals approve ${waits['approvalId']}`)
    })
    expect(cost).toBe(0n)
  })

  test('in a policy that cannot be read: nothing is paid, and what is free goes on', async () => {
    writeFileSync(join(home, 'policy.yaml'), policyOf('per_paymnet: 5 sat'), { mode: 0o600 })
    expect((await report(['get', `${shop.url}/data`])).code).toBe(3)
    expect((await get([`${shop.url}/`])).code).toBe(0)
  })

  test('R-GET-21 on where a stranger may lead: this machine is refused', async () => {
    for (const [args, env] of [
      [['--public-only'], {}],
      [[], { SATWAY_PUBLIC_ONLY: '1' }],
      [['--params', '{"public_only":true}'], {}],
    ] as const) {
      const { code, report: refused } = await report(['get', `${shop.url}/`, ...args], { env })
      expect(refused).toMatchObject({ error: { reason: 'private-address' } })
      expect(code).toBe(3)
    }
    expect(shop.seen.length).toBe(0)
  })
})

describe('R-GET-15 --verbose', () => {
  test('tells what happens, and no secret', async () => {
    const { stderr } = await get([`${shop.url}/data?key=hunter2`, '-v', '-H', 'X-Key: hunter2'])
    expect(stderr).toMatch(/GET http.*\/data\n/)
    expect(stderr).toMatch(/answered with status 402[\s\S]*payment settled[\s\S]*with a token/)
    expect(stderr).not.toContain('hunter2')
    expect(stderr).not.toMatch(secrets)
  })
})

describe('R-GET-20 a redirect', () => {
  test('is followed, or not, or not so often', async () => {
    shop.serve((request, response) => {
      if (request.url !== '/go') return response.end('goods')
      return response.writeHead(302, { location: '/data' }).end('elsewhere')
    })
    const url = `${shop.url}/go`
    expect((await get([url])).stdout).toBe('goods')
    expect(await get([url, '--no-location'])).toMatchObject({ code: 0, stdout: 'elsewhere' })
    const { code, stderr } = await get([url, '--max-redirects', '0'])
    expect(stderr).toContain('redirected too often')
    expect(code).toBe(7)
  })
})

describe('R-GET-4 a download that was paid for', () => {
  const content = Array.from({ length: 50_000 }, (_, i) => `line ${i}\n`).join('')

  /** Breaks off the first answer once some of it has been written to the disk. */
  function fileServer(file: string): (response: ServerResponse, range: string | undefined) => void {
    let isBroken = false
    return (response, range) => {
      const offset = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0)
      response.setHeader('etag', '"v1"')
      if (offset > 0) {
        const end = content.length - 1
        response.setHeader('content-range', `bytes ${offset}-${end}/${content.length}`)
        response.writeHead(206).end(content.slice(offset))
        return
      }
      response.writeHead(200, { 'content-length': content.length })
      if (isBroken) {
        response.end(content)
        return
      }
      isBroken = true
      response.write(content.slice(0, 300_000))
      const look = setInterval(() => {
        const [part] = readdirSync(home).filter((name) => name.startsWith(file))
        if (part === undefined || statSync(join(home, part)).size === 0) return
        clearInterval(look)
        response.socket?.end()
      }, 5)
    }
  }

  test('R-GET-6 goes on where it broke off, and is paid for once', async () => {
    const serve = fileServer('data.bin')
    shop.serve((request, response) => serve(response, request.headers.range))
    const file = join(home, 'data.bin')
    const cost = await costOf(async () => {
      const first = await get([`${shop.url}/data`, '-o', file])
      expect(first.code).toBe(6)
      expect(first.stderr).toContain('It was paid, and its answer broke off')
      expect(first.stderr).toMatch(/satway resume [0-9a-f]{12}/)
      expect(first.stderr).toContain(`${file}.part: --continue goes on with it`)
      expect(existsSync(file)).toBe(false)

      const second = await get([`${shop.url}/data`, '-o', file, '-c'])
      expect(second.code).toBe(0)
    })
    expect(cost).toBe(costMsat)
    expect(readFileSync(file, 'utf8')).toBe(content)
    expect(readdirSync(home).filter((name) => name.startsWith('data.bin'))).toEqual(['data.bin'])
    expect(shop.seen.at(-1)?.headers['if-range']).toBe('"v1"')
  })

  test('that is free goes on as well, and is not named as paid', async () => {
    const serve = fileServer('free.bin')
    shop.serve((request, response) => serve(response, request.headers.range))
    const file = join(home, 'free.bin')
    const first = await report(['get', `${shop.url}/`, '-o', file])
    expect(first.report).toMatchObject({ outcome: 'not_paid', output: null, exitCode: 7 })
    const second = await report(['get', `${shop.url}/`, '-o', file, '-c'])
    expect(second.report).toMatchObject({ outcome: 'not_paid', status: 206, output: file })
    expect(readFileSync(file, 'utf8')).toBe(content)
  })
})

describe('R-GET-23 satway resume', () => {
  const hashOf = (hex: unknown) => paymentHash(decodeHex(String(hex)))

  test('finishes what had no end, by the beginning of its hash, and pays nothing', async () => {
    shop.buyer.injectFault({ kind: 'in-flight' })
    const url = `${shop.url}/data`
    const { code, report: unknown } = await report(['get', url, '--payment-timeout', '20'])
    expect(unknown).toMatchObject({ outcome: 'unknown', status: 402, feeMsat: null })
    expect(code).toBe(5)
    const hash = String(unknown['resume'])
    expect(hash).toBe(unknown['paymentHash'])

    const { stdout } = await run(['resume'])
    expect(stdout).toContain(`  ${hash}\n`)
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect((await report(['resume'])).report).toMatchObject({
      payments: [{ paymentHash: hash, outcome: 'unknown', method: 'GET', url, hasBody: false }],
    })
    expect((await report(['resume', hash])).code).toBe(5)

    shop.buyer.resolvePayment(hashOf(hash), 'settle')
    const cost = await costOf(async () => {
      const resumed = await run(['resume', hash.slice(0, 10)])
      expect(resumed).toMatchObject({ code: 0, stdout: 'goods' })
      expect(resumed.stderr).toContain('Paid before: 10 sat')
    })
    expect(cost).toBe(0n)
    expect((await report(['resume'])).report).toEqual({ payments: [] })
    expect((await run(['resume'])).stdout).toContain('Nothing is open')
  })

  test('needs the body of a request once more', async () => {
    shop.serve((request, response) => void request.pipe(response))
    shop.buyer.injectFault({ kind: 'timeout', settleAfterMs: 0 })
    const { report: unknown } = await report(['get', `${shop.url}/order`, '-d', 'one'])
    const hash = String(unknown['resume'])
    const without = await run(['resume', hash])
    expect(without.code).toBe(2)
    expect(without.stderr).toContain('--data')
    expect(await run(['resume', hash, '-d', 'one'])).toMatchObject({ code: 0, stdout: 'one' })
  })

  for (const [what, operand, code] of [
    ['an unknown hash', 'ab'.repeat(32), 2],
    ['an unknown beginning of one', 'abababab', 2],
    ['too few digits', 'ababab', 2],
    ['no digits', 'latest--', 2],
  ] as const) {
    test(`refuses ${what}`, async () => {
      expect((await run(['resume', '--', operand])).code).toBe(code)
    })
  }
})

// That of util-linux: others take other flags.
const hasScript = String(spawnSync('script', ['--version']).stdout).includes('util-linux')
const lacksTerminal = skipPart('script', hasScript ? undefined : 'script (util-linux) is not there')

describe.skipIf(lacksTerminal)('R-GET-8 on a terminal', () => {
  /** Runs under a terminal of its own, as `script` gives one. What is shown is also in a file. */
  const onTerminal = (line: string, shown = '/dev/null'): Promise<Ended> =>
    shell(folder.path, `script -qefc ${JSON.stringify(line)} ${shown} </dev/null`, {
      env: { SATWAY_HOME: home, SATWAY_WALLET: shop.wallet, TERM: 'xterm' },
    })
  const program = (): string => `${process.execPath} ${join(root, 'program/bin/satway.js')}`

  test('text steers nothing, unless it is asked for byte by byte', async () => {
    shop.serve((_, response) => response.end('a\u001b]0;title\u0007b'))
    const shown = (await onTerminal(`${program()} get ${shop.url}/`)).stdout
    expect(shown).toContain('a\ufffd]0;title\ufffdb\r\n')
    const raw = (await onTerminal(`${program()} get ${shop.url}/ -o -`)).stdout
    expect(raw).toContain('a\u001b]0;title\u0007b')
  })

  test('what is no text is saved, and its name is told', async () => {
    const bytes = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0, 1, 2, 3])
    shop.serve((_, response) => response.end(bytes))
    const { stdout } = await onTerminal(`${program()} get ${shop.url}/data`)
    const [, file = ''] = /It was saved: (\S+)/.exec(stdout) ?? []
    expect(file.startsWith(join(home, 'downloads/'))).toBe(true)
    expect(readFileSync(file).equals(bytes)).toBe(true)
  })

  test('R-GET-9 a download that takes its time shows how far it is, and wipes that', async () => {
    const half = Buffer.alloc(1_000_000, 'a')
    const shown = join(home, 'shown')
    const isShown = (): boolean => existsSync(shown) && readFileSync(shown, 'utf8').includes('%')
    shop.serve(async (_, response) => {
      response.writeHead(200, { 'content-length': 2 * half.length }).write(half)
      for (let i = 0; i < 400 && !isShown(); i++) await pause(50)
      response.end(half)
    })
    const file = join(home, 'slow')
    const { stdout } = await onTerminal(`${program()} get ${shop.url}/ -o ${file}`, shown)
    expect(stdout).toMatch(/1\.0 MB of 2\.0 MB {2}50 %/)
    expect(stdout).toMatch(/\r\u001b\[2KFree: nothing was paid\./)
    expect(statSync(file).size).toBe(2_000_000)
    shop.serve((_, response) => {
      response.writeHead(200, { 'content-length': 2 * half.length }).write(half)
      setTimeout(() => response.end(half), 2500)
    })
    const quiet = await onTerminal(`${program()} get ${shop.url}/ -q -o ${file}`)
    expect(quiet.stdout).toBe('')
  })
})

describe('an unverified server', () => {
  test('is refused, and asked all the same with --insecure, which says what that means', async () => {
    const secure = await openShop(folder.path, { 'GET /': 'free' }, { tls: true })
    expect((await get([secure.url])).code).toBe(7)
    const { code, stdout, stderr } = await get([secure.url, '-k'])
    expect([code, stdout]).toEqual([0, 'goods'])
    expect(stderr).toContain('--insecure:')
    await secure.close()
  })
})
