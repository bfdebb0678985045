import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { TestUpstream } from '../gateway/upstream.ts'
import { openUpstream } from '../gateway/upstream.ts'
import type { Running } from './satway.ts'
import { freePort, makeHome, satway, shell, startSatway } from './satway.ts'

const home = makeHome()
let upstream: TestUpstream
const running: Running[] = []

beforeAll(async () => {
  upstream = await openUpstream()
})
afterEach(async () => {
  for (const one of running.splice(0)) if (one.child.exitCode === null) await one.stop('SIGKILL')
  upstream.answer = (_, response) => response.end('served')
})
afterAll(async () => {
  await upstream.close()
  home.remove()
})

type Place = {
  readonly folder: string
  readonly port: number
  readonly admin: number
  readonly url: string
}

let places = 0

/** A folder with a configuration on free ports. */
async function writeConfig(routes: string, more = ''): Promise<Place> {
  const folder = join(home.path, `gateway-${++places}`)
  mkdirSync(folder)
  const place = { folder, port: await freePort(), admin: await freePort() }
  writeFileSync(
    join(folder, 'satway.yaml'),
    `listen: 127.0.0.1:${place.port}
wallet: { devnet: { file: ./wallet.json } }
state: ./satway.db
admin: { address: 127.0.0.1:${place.admin}, key: ./admin.key, macaroon: ./admin.macaroon }
${more}
services:
  - name: shop
    upstream: ${upstream.url}
    routes:
      ${routes}
`,
  )
  return { ...place, url: `http://127.0.0.1:${place.port}` }
}

function start(place: Place, args: readonly string[] = []): Running {
  const one = startSatway(home.path, ['gateway', '--config', 'satway.yaml', ...args], {
    cwd: place.folder,
  })
  running.push(one)
  return one
}

/** Waits until it says on standard error that it serves. */
async function untilServing(one: Running): Promise<void> {
  for (let i = 0; i < 1600; i++) {
    if (one.stderr().includes('"message":"serving"')) return
    if (one.child.exitCode !== null) throw new Error(`it ended: ${one.stderr()}`)
    await pause(25)
  }
  throw new Error(`it does not serve: ${one.stderr()}`)
}

async function buy(
  place: Place,
  path: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  return await satway(home.path, ['get', '--wallet', 'devnet:wallet.json', place.url + path], {
    cwd: place.folder,
  })
}

function admin(place: Place, ...args: readonly string[]): ReturnType<typeof satway> {
  const flags = ['--address', `127.0.0.1:${place.admin}`, '--macaroon', 'admin.macaroon']
  return satway(home.path, ['admin', ...args, ...flags], { cwd: place.folder })
}

describe('satway gateway', () => {
  test('R-GW-30 one line sells an API, and a second one buys from it', async () => {
    const port = await freePort()
    const one = startSatway(home.path, [
      'gateway',
      ...['--upstream', upstream.url, '--price', '10sat'],
      ...['--listen', `127.0.0.1:${port}`, '--admin', 'off'],
    ])
    running.push(one)
    await untilServing(one)
    const bought = await satway(home.path, ['get', `http://127.0.0.1:${port}/hello`])
    expect(bought.stdout).toBe('served')
    expect(bought.stderr).toContain('Paid 10 sat')
    const file = join(home.path, 'credential')
    // Another buyer: what the first one bought is good for this path, too.
    const env = { SATWAY_HOME: join(home.path, 'another') }
    const wallet = `devnet:${join(home.path, '.satway/devnet.json')}`
    const url = `http://127.0.0.1:${port}/x`
    const kept = await satway(home.path, ['get', '--credential', file, '--wallet', wallet, url], {
      env,
    })
    expect(kept.stderr).toContain(`curl -H @${file}`)
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const again = await shell(home.path, `curl -s -H @${file} http://127.0.0.1:${port}/y`)
    expect(again.stdout).toBe('served')
    expect(statSync(join(home.path, '.satway/gateway.db')).mode & 0o777).toBe(0o600)
    expect(statSync(join(home.path, '.satway/gateway.db.keys')).mode & 0o777).toBe(0o600)
    const ended = await one.stop('SIGTERM')
    expect(ended.code).toBe(0)
    expect(existsSync(join(home.path, '.satway/devnet.json'))).toBe(false)
  }, 60_000)

  for (const [name, args, code, message] of [
    ['nothing', [], 2, /--upstream or --config is missing/],
    ['an upstream and no price', ['--upstream', 'http://127.0.0.1:1'], 2, /--price is missing/],
    ['both forms', ['--config', 'a.yaml', '--price', '1sat'], 2, /does not go with --config/],
    ['a file that is not there', ['--config', 'nowhere.yaml'], 1, /nowhere.yaml cannot be read/],
    ['no price', ['--upstream', 'http://127.0.0.1:1', '--price', 'cheap'], 1, /--price: expected/],
    ['no upstream', ['--upstream', 'ftp://x', '--price', '1sat'], 1, /--upstream: expected/],
    ['no number of workers', ['--config', 'a.yaml', '--workers', '0'], 2, /--workers/],
  ] as const) {
    test(`R-GW-31 does not start with ${name}`, async () => {
      const ended = await satway(home.path, ['gateway', ...args])
      expect(ended.code).toBe(code)
      expect(ended.stderr).toMatch(message)
      expect(ended.stdout).toBe('')
    })
  }

  test('R-GW-31 does not start with mistakes, and lists all of them with their lines', async () => {
    const place = await writeConfig('GET /a: cheap', 'color: red\nblock: [1.2.3]')
    const ended = await start(place).ended()
    expect(ended.code).toBe(1)
    expect(ended.stderr).toMatch(/3 mistakes/)
    for (const path of ['color', 'block[0]', 'services[0].routes["GET /a"]']) {
      expect(ended.stderr).toContain(path)
    }
    expect(ended.stderr).toMatch(/^ {2}\d+:\d+ {2}/m)
    expect(existsSync(join(place.folder, 'satway.db'))).toBe(false)
  })

  test('R-GW-32 a second gateway on the same state is refused', async () => {
    const place = await writeConfig('GET /a: 10 sat')
    await untilServing(start(place))
    const second = await start(place).ended()
    expect(second.code).toBe(1)
    expect(second.stderr).toMatch(/in use by another gateway/)
  }, 60_000)

  test('R-GW-33 SIGHUP reads the file again; a mistake leaves the old one in force', async () => {
    const place = await writeConfig('GET /a: free')
    const one = start(place)
    await untilServing(one)
    expect((await fetch(`${place.url}/a`)).status).toBe(200)
    const file = join(place.folder, 'satway.yaml')
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replace('GET /a: free', 'GET /a: 10 sat'))
    one.child.kill('SIGHUP')
    await expect
      .poll(async () => (await fetch(`${place.url}/a`)).status, { timeout: 20_000 })
      .toBe(402)
    writeFileSync(file, text.replace('GET /a: free', 'GET /a: cheap'))
    one.child.kill('SIGHUP')
    await expect.poll(() => one.stderr(), { timeout: 20_000 }).toContain('not reloaded')
    expect((await fetch(`${place.url}/a`)).status).toBe(402)
  }, 60_000)

  test('R-GW-34 SIGTERM finishes what is open, takes nothing new, and ends with 0', async () => {
    const place = await writeConfig('GET /a: free')
    const one = start(place)
    await untilServing(one)
    let finish = (): void => undefined
    const reached = new Promise<void>((resolve) => {
      upstream.answer = (_, response) => {
        const before = finish
        finish = () => {
          before()
          response.end('late')
        }
        resolve()
      }
    })
    const slow = fetch(`${place.url}/a`)
    await reached
    one.child.kill('SIGTERM')
    // A connection that was accepted just before the signal came waits for the upstream like any other.
    const knock = (): Promise<string> =>
      fetch(`${place.url}/a`, { signal: AbortSignal.timeout(500) }).then(
        () => 'served',
        (error: Error) => (error.name === 'TimeoutError' ? 'waiting' : 'refused'),
      )
    await expect.poll(knock, { timeout: 20_000 }).toBe('refused')
    finish()
    expect(await (await slow).text()).toBe('late')
    expect((await one.ended()).code).toBe(0)
  }, 60_000)

  test('R-GW-35 what was sold works after a restart, and so does a kill', async () => {
    const place = await writeConfig('GET /a: { price: 10 sat, uses: 3 }')
    const first = start(place)
    await untilServing(first)
    const challenge = await fetch(`${place.url}/a`)
    const { token, invoice } = (await challenge.json()) as { token: string; invoice: string }
    const paid = await payWith(place, token, invoice)
    const status = async (): Promise<number> =>
      (await fetch(`${place.url}/a`, { headers: { authorization: paid } })).status
    expect(await status()).toBe(200)
    await first.stop('SIGKILL')
    await untilServing(start(place))
    expect([await status(), await status(), await status()]).toEqual([200, 200, 402])
  }, 60_000)
})

describe('satway gateway --workers 2', () => {
  test('R-GW-36 sells and counts as one process does, and a worker that dies is replaced', async () => {
    const place = await writeConfig('GET /a: { price: 10 sat, uses: 20 }\n      GET /free: free')
    const one = start(place, ['--workers', '2'])
    await untilServing(one)
    const bought = await buy(place, '/a')
    expect([bought.code, bought.stdout]).toEqual([0, 'served'])
    const challenge = await fetch(`${place.url}/a`)
    const { token, invoice } = (await challenge.json()) as { token: string; invoice: string }
    const authorization = await payWith(place, token, invoice)
    const statuses = await Promise.all(
      Array.from({ length: 60 }, async () => {
        const headers = { authorization, connection: 'close' }
        const response = await fetch(`${place.url}/a`, { headers })
        await response.arrayBuffer()
        return response.status
      }),
    )
    expect(statuses.filter((status) => status === 200)).toHaveLength(20)

    // Two payments of 10 sat, counted once whoever of the processes saw them.
    await expect
      .poll(async () => await (await fetch(`http://127.0.0.1:${place.admin}/metrics`)).text(), {
        timeout: 20_000,
        interval: 300,
      })
      .toMatch(/^satway_revenue_msat_total\{service="shop"\} 20000$/m)
    const info = await admin(place, 'info', '--json')
    expect(JSON.parse(info.stdout)).toMatchObject({ workers: 2 })
    const file = join(place.folder, 'satway.yaml')
    writeFileSync(file, readFileSync(file, 'utf8').replace('GET /free: free', 'GET /free: 5 sat'))
    expect((await admin(place, 'reload')).code).toBe(0)
    for (let i = 0; i < 10; i++) {
      const headers = { connection: 'close' }
      expect((await fetch(`${place.url}/free`, { headers })).status).toBe(402)
    }
    expect((await one.stop('SIGTERM')).code).toBe(0)
  }, 60_000)
})

describe('satway admin', () => {
  test('R-GW-39 a revocation holds in every worker within five seconds', async () => {
    const place = await writeConfig('GET /a: 10 sat')
    await untilServing(start(place, ['--workers', '2']))
    const challenge = await fetch(`${place.url}/a`)
    const {
      token,
      invoice,
      payment_hash: hash,
    } = (await challenge.json()) as Record<string, string>
    const authorization = await payWith(place, token!, invoice!)
    const ask = async (): Promise<readonly number[]> =>
      await Promise.all(
        Array.from({ length: 16 }, async () => {
          const headers = { authorization, connection: 'close' }
          const response = await fetch(`${place.url}/a`, { headers })
          await response.arrayBuffer()
          return response.status
        }),
      )
    expect(new Set(await ask())).toEqual(new Set([200]))
    await pause(1500)
    const revoked = await admin(place, 'revoke', hash!.slice(0, 16), '--reason', 'test')
    expect([revoked.code, revoked.stderr]).toEqual([0, ''])
    // Where nothing else runs; a loaded machine takes longer to ask.
    await expect
      .poll(async () => [...new Set(await ask())], { timeout: 20_000, interval: 100 })
      .toEqual([402])
    expect(new Set(await ask())).toEqual(new Set([402]))
  }, 60_000)

  test('R-GW-37 steers a running gateway: services, revocation, transactions', async () => {
    const place = await writeConfig('GET /a: 10 sat')
    const one = start(place)
    await untilServing(one)
    const document = join(place.folder, 'extra.json')
    writeFileSync(
      document,
      JSON.stringify({
        name: 'extra',
        mount: '/extra',
        upstream: upstream.url,
        routes: { 'GET /extra/x': { price: '7 sat', uses: 2 } },
      }),
    )
    const created = await admin(place, 'services', 'create', document)
    expect([created.code, created.stderr]).toEqual([0, ''])
    const price = async (path: string): Promise<unknown> =>
      ((await (await fetch(place.url + path)).json()) as { price: unknown }).price
    expect([await price('/extra/x'), await price('/a')]).toEqual([7, 10])

    expect((await buy(place, '/a')).stdout).toBe('served')
    await expect
      .poll(async () => JSON.parse((await admin(place, 'transactions', 'list', '--json')).stdout), {
        timeout: 20_000,
        interval: 500,
      })
      .toMatchObject({ items: [{ service: 'shop', capability: 'get.a', uses: 1 }] })

    await one.stop('SIGTERM')
    await untilServing(start(place))
    expect(await price('/extra/x')).toBe(7)
    expect((await admin(place, 'services', 'delete', 'extra')).code).toBe(0)
    expect((await fetch(`${place.url}/extra/x`)).status).toBe(404)
  }, 60_000)

  test('R-GW-38 healthz, readyz and metrics tell of the wallet, the store and the upstream', async () => {
    const place = await writeConfig('GET /a: 10 sat')
    await untilServing(start(place))
    await fetch(`${place.url}/a`)
    const ask = async (path: string): Promise<Response> =>
      await fetch(`http://127.0.0.1:${place.admin}${path}`)
    expect((await ask('/healthz')).status).toBe(200)
    const ready = await ask('/readyz')
    expect(ready.status).toBe(200)
    const { checks } = (await ready.json()) as { checks: { name: string; ok: boolean }[] }
    expect(checks.map(({ name, ok }) => [name, ok])).toEqual(
      expect.arrayContaining([
        ['wallet', true],
        ['store', true],
        ['upstream:shop', true],
      ]),
    )
    const metrics = await (await ask('/metrics')).text()
    expect(metrics).toMatch(/^satway_challenges_total\{.*service="shop".*\} 1$/m)
  }, 60_000)
})

/** Pays an invoice with the buyer's wallet, and gives the value for `Authorization`. */
async function payWith(place: Place, token: string, invoice: string): Promise<string> {
  const { connectWallet, readWalletFile } = await import('satway/lightning/devnet')
  const { decodeInvoice, formatCredential, msat } = await import('satway')
  const wallet = connectWallet(await readWalletFile(join(place.folder, 'wallet.json')))
  const outcome = await wallet.pay(decodeInvoice(invoice), { maxFeeMsat: msat(100_000n) })
  if (outcome.status !== 'settled') throw new Error(outcome.status)
  return formatCredential({ token, preimage: outcome.preimage })
}
