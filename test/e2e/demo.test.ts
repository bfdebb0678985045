import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Running } from './satway.ts'
import { freePort, makeHome, satway, shell, startSatway } from './satway.ts'

const home = makeHome()
const running: Running[] = []
const folder = join(home.path, '.satway')

function demo(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Running {
  const started = startSatway(home.path, ['demo', ...args], { env })
  running.push(started)
  return started
}

async function stopAll(): Promise<void> {
  for (const started of running.splice(0)) {
    if (started.child.exitCode === null) await started.stop('SIGKILL')
  }
}

afterAll(async () => {
  await stopAll()
  home.remove()
})

/** What a demo leaves in the home; the journal of a buyer is to stay. */
function demoFiles(): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder).filter((name) => !/^(journal|receipts|cache)/.test(name))
}

describe('satway demo --once', () => {
  test('shows every step of a purchase and ends with 0', async () => {
    const { code, stdout, stderr } = await satway(home.path, ['demo', '--once'])
    for (const step of [
      'No real money moves',
      'A Lightning network of two nodes',
      'POST /v1/decode  10 sat a call',
      '← 402 Payment Required',
      'services=decoder:0',
      'decoder_uses=1',
      'regtest (no real money)',
      '✓ The token commits to its payment hash',
      'at most 5 sat for the route',
      '✓ Settled: 10 sat',
      '✓ The preimage came back',
      'Authorization: L402 <token ',
      '← 200 OK',
      '"description": "1 cup coffee"',
      '✓ It adds up',
    ]) {
      expect(stdout).toContain(step)
    }
    expect([code, stderr]).toEqual([0, ''])
  })

  test('has no colours or cursor tricks without a terminal, and keeps to its width', async () => {
    const { stdout } = await satway(home.path, ['demo', '--once'])
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain('\r')
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(100)
  })

  test('shows no secret and leaves no file', async () => {
    const { stdout } = await satway(home.path, ['demo', '--once'])
    // What opens a resource is at least 32 random bytes: base64 of a token, or 64 hex digits that
    // are neither a payment hash, a node nor a digest that is named as one.
    expect(stdout).not.toMatch(/AgE[A-Za-z0-9+/_-]{40}/)
    expect(demoFiles()).toEqual([])
  })

  test('writes one JSON event a line with --json, and the books add up', async () => {
    const { code, stdout } = await satway(home.path, ['demo', '--once', '--json'])
    const events = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(events.map(({ event }) => event)).toEqual([
      'start',
      'network',
      'listening',
      'request',
      'response',
      'challenge',
      'checks',
      'payment',
      'request',
      'response',
      'answer',
      'calls',
      'books',
      'done',
    ])
    const books = events.find(({ event }) => event === 'books')
    expect(books).toMatchObject({
      before: [
        { role: 'seller', balanceMsat: '0' },
        { role: 'buyer', balanceMsat: '10000000' },
      ],
      after: [
        { role: 'seller', balanceMsat: '30000' },
        { role: 'buyer', balanceMsat: String(10_000_000 - 3 * 11_001) },
      ],
      feesMsat: '3003',
      totalBeforeMsat: '10000000',
      totalAfterMsat: '10000000',
    })
    expect(code).toBe(0)
  })

  test('does not start in production', async () => {
    const { code, stdout, stderr } = await satway(home.path, ['demo', '--once'], {
      env: { NODE_ENV: 'production' },
    })
    expect(stderr).toContain('NODE_ENV is "production"')
    expect(stderr).toContain('NODE_ENV=development')
    expect([code, stdout]).toEqual([1, ''])
  })
})

describe('a port that is taken', () => {
  test('is an error that names --port, when the user insists on it', async () => {
    const { port, close } = await takePort()
    const { code, stderr } = await satway(home.path, ['demo', '--once', '--port', String(port)])
    expect(stderr).toContain(`port ${port} (another program listens there)`)
    expect(stderr).toContain('Choose another port with --port')
    expect(code).toBe(1)
    await close()
  })

  test('is replaced by a free one, when it is only the default', async () => {
    const taken = await takePort(8402).catch(() => undefined)
    const { code, stdout } = await satway(home.path, ['demo', '--once', '--json'])
    const listening = JSON.parse(stdout.split('\n')[2]!) as { url: string; insteadOfPort: number }
    expect(listening.insteadOfPort).toBe(8402)
    expect(listening.url).not.toContain(':8402')
    expect(code).toBe(0)
    await taken?.close()
  })
})

describe('satway demo stays up', () => {
  let up: Running
  let secrets: readonly string[]

  beforeAll(async () => {
    up = startSatway(home.path, ['demo'])
    await up.waitFor(/Secrets stay in files/)
    secrets = [
      (JSON.parse(readFileSync(join(folder, 'devnet.json'), 'utf8')) as { secret: string }).secret,
    ]
  })
  afterAll(async () => {
    if (up.child.exitCode === null) await up.stop('SIGKILL')
  })

  /** The commands that it printed. */
  const commands = (): readonly string[] =>
    up
      .stdout()
      .split('Now you, in a second terminal')[1]!
      .split('\n')
      .filter((line) => /^ {2}[^# ·]/.test(line))
      .map((line) => line.trim())

  test('with files that only their owner can read', () => {
    expect(statSync(folder).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'devnet.json')).mode & 0o777).toBe(0o600)
    const inner = readdirSync(folder).find((name) => name.startsWith('demo-'))!
    expect(statSync(join(folder, inner)).mode & 0o777).toBe(0o700)
    for (const name of readdirSync(join(folder, inner))) {
      expect(statSync(join(folder, inner, name)).mode & 0o777).toBe(0o600)
    }
  })

  test('and every command it prints works, one after the other in one shell', async () => {
    const lines = commands()
    expect(lines.length).toBe(15)
    const script = lines
      .map((line, i) => `echo "== ${i}"; ${line}; echo; echo "== exit $?"`)
      .join('\n')
    const { stdout, stderr } = await shell(home.path, script)
    const parts = stdout.split(/^== \d+$/m).slice(1)
    expect(parts).toHaveLength(lines.length)

    const outputOf = (pattern: RegExp): string =>
      parts[lines.findIndex((line) => pattern.test(line))]!
    expect(outputOf(/^curl -i http/)).toMatch(
      /^\s*HTTP\/1\.1 402 Payment Required\r\nWWW-Authenticate: L402 /,
    )
    expect(JSON.parse(jsonIn(outputOf(/^curl -si .* decode -$/)))).toMatchObject({
      kind: 'challenge',
      challenges: [{ hashesMatch: true, faults: [] }],
    })
    expect(stderr).toContain('Price 10 sat, and at most 5 sat for the route.')
    expect(JSON.parse(jsonIn(outputOf(/ get http/)))).toMatchObject({ description: '1 cup coffee' })
    expect(stderr).toContain('Paid 10 sat, fee 1.001 sat')
    expect(JSON.parse(jsonIn(outputOf(/ decode - < /)))).toMatchObject({ kind: 'invoice' })
    expect(outputOf(/^curl -i -H @credential/)).toMatch(/^\s*HTTP\/1\.1 200 OK/)
    // Three calls of its own, one by `satway get`, one by hand.
    expect(JSON.parse(jsonIn(outputOf(/\/info$/)))).toMatchObject({
      network: 'regtest',
      balanceMsat: String(10_000_000 - 5 * 11_001),
    })

    const enter = lines.find((line) => line.startsWith('cd /'))
    const present = lines.find((line) => line.startsWith('curl -i -H @credential'))
    const again = await shell(home.path, `${enter}\n${present}`)
    expect(again.stdout).toMatch(/^HTTP\/1\.1 402 /)
    expect(again.stdout).toContain('ACCESS_USED_UP')
    for (const secret of secrets) expect(stdout + stderr + again.stdout).not.toContain(secret)
  })

  test('and tells what the others do, without their secrets', async () => {
    await up.waitFor(/served: decode/)
    await up.waitFor(/ACCESS_USED_UP/)
    const inner = readdirSync(folder).find((name) => name.startsWith('demo-'))!
    const credential = readFileSync(join(folder, inner, 'credential.header'), 'utf8')
    const [, token = '', preimage = ''] = /L402 (.+):(.+)\n/.exec(credential) ?? []
    expect(preimage).toMatch(/^[0-9a-f]{64}$/)
    for (const secret of [token, preimage, ...secrets]) {
      expect(secret.length).toBeGreaterThan(32)
      expect(up.stdout() + up.stderr()).not.toContain(secret)
    }
  })

  test('beside a second one, whose commands name its own wallet', async () => {
    const second = demo()
    await second.waitFor(/Secrets stay in files/)
    expect(second.stdout()).toMatch(/ get http:\S+ -d \S+ --wallet devnet:\S+\/wallet\.json\n/)
    const line = /^ {2}(.* get http.* --wallet .*)$/m.exec(second.stdout())![1]!
    const { code, stderr } = await shell(home.path, line)
    expect(stderr).toContain('Paid 10 sat')
    expect(code).toBe(0)
    expect((await second.stop()).code).toBe(0)
    expect(existsSync(join(folder, 'devnet.json'))).toBe(true)
  })

  test('until Ctrl-C, which ends it with 0 and takes its files away', async () => {
    const { code, stdout, stderr } = await up.stop('SIGINT')
    expect(stdout).toContain('Done.')
    expect([code, stderr]).toEqual([0, ''])
    expect(demoFiles()).toEqual([])
  })
})

describe('an end that was not planned', () => {
  afterEach(stopAll)

  test('by SIGTERM takes the files away too', async () => {
    const up = demo()
    await up.waitFor(/Secrets stay in files/)
    expect((await up.stop('SIGTERM')).code).toBe(0)
    expect(demoFiles()).toEqual([])
  })

  test('by a reader that stops reading takes the files away too', async () => {
    const up = demo()
    await up.waitFor(/Secrets stay in files/)
    up.child.stdout?.destroy()
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(up.stdout())![0]
    const exited = new Promise((resolve) => up.child.once('exit', resolve))
    await fetch(`${url}/nothing`).catch(() => undefined) // makes it write a line, and end
    await exited
    expect(up.child.exitCode).toBe(0)
    expect(demoFiles()).toEqual([])
  })

  test('by SIGKILL leaves files that the next demo does not stumble over', async () => {
    const killed = demo()
    await killed.waitFor(/Secrets stay in files/)
    await killed.stop('SIGKILL')
    expect(existsSync(join(folder, 'devnet.json'))).toBe(true)

    const next = demo()
    await next.waitFor(/Secrets stay in files/)
    const line = /^ {2}(.* get http(?!.*--wallet).*)$/m.exec(next.stdout())![1]!
    expect((await shell(home.path, line)).code).toBe(0)
    await next.stop()
    expect(demoFiles()).toEqual([])
  })

  test('by SIGKILL leaves a folder that any later demo removes, and none of one that runs', async () => {
    const killed = demo(['--port', String(await freePort())])
    await killed.waitFor(/Secrets stay in files/)
    await killed.stop('SIGKILL')
    const kept = demo(['--port', String(await freePort())])
    await kept.waitFor(/Secrets stay in files/)
    const port = String(await freePort())
    expect((await satway(home.path, ['demo', '--once', '--port', port])).code).toBe(0)
    const folders = readdirSync(folder).filter((name) => name.startsWith('demo-'))
    expect(folders).toEqual([`demo-${kept.child.pid}`])
    await kept.stop()
    expect(demoFiles()).toEqual([])
  })
})

describe('a home that cannot be written', () => {
  test('is no hindrance: the files are temporary ones, and the commands name the wallet', async () => {
    const file = join(home.path, 'no-home')
    writeFileSync(file, '')
    mkdirSync(folder, { recursive: true })
    const up = startSatway(file, ['demo'])
    await up.waitFor(/Secrets stay in files/)
    const line = /^ {2}(.* get http.* --wallet devnet:.*)$/m.exec(up.stdout())![1]!
    // Whoever buys needs a place for his journal.
    const env = { SATWAY_HOME: join(home.path, 'elsewhere') }
    expect((await shell(file, line, { env })).code).toBe(0)
    expect((await up.stop()).code).toBe(0)
  })
})

function jsonIn(output: string): string {
  return output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)
}

async function takePort(port = 0): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return {
    port: address.port,
    close: () => new Promise((resolve) => void server.close(() => resolve())),
  }
}
