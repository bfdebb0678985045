import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { get } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  openSocket,
  openStage,
  readAll,
  requestText,
  sendBytes,
  statuses,
} from '../../../../test/gateway/edge-stage.ts'
import { freePorts } from '../../../../test/gateway/nginx.ts'
import type { Pebble } from '../../../../test/gateway/pebble.ts'
import { pebbleLack, startPebble } from '../../../../test/gateway/pebble.ts'
import { skipPart } from '../../../../test/parts.ts'
import { acmeKeeper, pauseMs } from './acme-certificate.ts'
import type { AcmeConfig } from './acme-order.ts'
import { readKeyPair, writeKeyPair } from './certificate-file.ts'
import { openChallengeListener } from './challenge-listener.ts'
import { generateCertificate } from './generated-certificate.ts'

const names = ['shop.example', 'www.shop.example']

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'satway-acme-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return join(made, 'acme')
}

async function until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isTrue())) await new Promise((resolve) => setTimeout(resolve, 20))
}

async function shownOn(port: number): Promise<X509Certificate | undefined> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const shown = socket.getPeerX509Certificate()
  socket.destroy()
  return shown
}

/** An authority that nobody runs. */
async function nowhere(kept: string): Promise<AcmeConfig> {
  const [port, httpPort = 0] = await freePorts(2)
  return {
    kind: 'acme',
    directory: `https://127.0.0.1:${port}/dir`,
    email: undefined,
    names,
    folder: kept,
    httpHost: '127.0.0.1',
    httpPort,
    ca: undefined,
  }
}

describe.skipIf(skipPart('pebble', pebbleLack()))('with an ACME authority', () => {
  let pebble: Pebble

  beforeAll(async () => {
    pebble = await startPebble()
  })
  afterAll(() => pebble.stop())

  function config(kept: string, of: Pebble = pebble): AcmeConfig {
    return {
      kind: 'acme',
      directory: of.directory,
      email: 'operator@shop.example',
      names,
      folder: kept,
      httpHost: '127.0.0.1',
      httpPort: of.httpPort,
      ca: of.ca,
    }
  }

  test('R-EDGE-24 a listener orders its certificate, and serves once it has it', async () => {
    const kept = await folder()
    const { port, listeners, log } = await openStage({ listen: { tls: config(kept) } })
    onTestFinished(() => listeners.close(0))
    // It is open before there is anything to answer with.
    await expect(openSocket(port, { rejectUnauthorized: false })).rejects.toThrow()
    await until(() => log.length > 0)
    expect(log).toEqual(['certificate for shop.example, www.shop.example: received'])
    await until(async () => (await readKeyPair(join(kept, 'certificate.pem'))) !== undefined)
    for (const servername of names) {
      const answer = await sendBytes(port, requestText('GET / HTTP/1.0'), {
        ca: await pebble.root(),
        servername,
      })
      expect(statuses(answer)).toEqual([200])
    }
    expect((await stat(kept)).mode & 0o777).toBe(0o700)
    for (const file of ['account.pem', 'certificate.pem']) {
      expect((await stat(join(kept, file))).mode & 0o777).toBe(0o600)
    }
    expect(await readdir(join(kept, 'challenges'))).toEqual([])
    expect(await readdir(kept)).toEqual(['account.pem', 'certificate.pem', 'challenges'])
  })

  test('R-EDGE-24 what was received is served at once by the next start, and nothing is ordered', async () => {
    const kept = await folder()
    const first = await openStage({ listen: { tls: config(kept) } })
    await until(async () => (await readKeyPair(join(kept, 'certificate.pem'))) !== undefined)
    await first.listeners.close(0)
    const second = await openStage({ listen: { tls: config(kept) } })
    onTestFinished(() => second.listeners.close(0))
    const { certificate } = (await readKeyPair(join(kept, 'certificate.pem')))!
    expect((await shownOn(second.port))?.fingerprint256).toBe(
      new X509Certificate(certificate).fingerprint256,
    )
    expect(second.log).toEqual([])
  })

  test('R-EDGE-25 a certificate is renewed at two thirds of its life, the old one served meanwhile', async () => {
    const shortLived = await startPebble(30)
    onTestFinished(() => shortLived.stop())
    const kept = await folder()
    const challenges = await openChallengeListener('127.0.0.1', shortLived.httpPort, () => [
      { names, folder: kept, httpsPort: () => 443 },
    ])
    onTestFinished(() => challenges.close())
    const used: X509Certificate[] = []
    let aheadMs = 0
    const keeper = acmeKeeper(config(kept, shortLived), {
      use: ({ certificate }) => used.push(new X509Certificate(certificate)),
      log: () => undefined,
      now: () => Date.now() + aheadMs,
    })
    await keeper.check()
    expect(used).toHaveLength(1)
    const [{ validFromDate, validToDate }] = used as [X509Certificate]
    const lifeMs = validToDate.getTime() - validFromDate.getTime()
    aheadMs = validFromDate.getTime() + lifeMs / 2 - Date.now()
    await keeper.check()
    expect(used).toHaveLength(1)
    aheadMs = validFromDate.getTime() + (lifeMs * 2) / 3 - Date.now() + 1
    await keeper.check()
    expect(used).toHaveLength(2)
    expect(used[1]!.fingerprint256).not.toBe(used[0]!.fingerprint256)
  })

  test('R-EDGE-25 another name is ordered although the certificate is good for long', async () => {
    const kept = await folder()
    await writeKeyPair(
      join(kept, 'certificate.pem'),
      await generateCertificate(['old.example']),
      'create',
    )
    const { port, listeners } = await openStage({ listen: { tls: config(kept) } })
    onTestFinished(() => listeners.close(0))
    expect((await shownOn(port))?.subjectAltName).toBe('DNS:old.example')
    await until(async () => (await shownOn(port))?.subjectAltName?.includes(names[1]!) === true)
  })

  test('R-EDGE-26 of several processes one orders, and any of them answers the challenge', async () => {
    const kept = await folder()
    const received: string[] = []
    const challenges = await openChallengeListener('127.0.0.1', pebble.httpPort, () => [
      { names, folder: kept, httpsPort: () => 443 },
    ])
    onTestFinished(() => challenges.close())
    const keepers = Array.from({ length: 3 }, () =>
      acmeKeeper(config(kept), {
        use: ({ certificate }) => received.push(new X509Certificate(certificate).fingerprint256),
        log: (message) => received.push(message),
      }),
    )
    await Promise.all(keepers.map((keeper) => keeper.check()))
    expect(received).toHaveLength(2)
    await Promise.all(keepers.map((keeper) => keeper.check()))
    expect(received).toHaveLength(4)
    expect(new Set(received).size).toBe(2)
  })

  test('R-EDGE-27 a challenge that cannot be answered fails, is kept in mind, and is over later', async () => {
    const kept = await folder()
    const log: string[] = []
    let nowMs = Date.now()
    const keeper = acmeKeeper(config(kept), {
      use: () => log.push('used'),
      log: (message) => log.push(message),
      now: () => nowMs,
    })
    await keeper.check()
    expect(log).toHaveLength(1)
    expect(log[0]).toContain('the order failed')
    expect(log[0]).toContain('in 1 min')
    const challenges = await openChallengeListener('127.0.0.1', pebble.httpPort, () => [
      { names, folder: kept, httpsPort: () => 443 },
    ])
    onTestFinished(() => challenges.close())
    await keeper.check()
    expect(log).toHaveLength(1)
    nowMs += pauseMs(1)
    await keeper.check()
    expect(log).toContain('used')
    expect(await readdir(kept)).not.toContain('failure.json')
  })
})

describe('an authority that cannot be reached', () => {
  test('R-EDGE-27 never stops the gateway; what there is is served', async () => {
    const kept = await folder()
    const old = await generateCertificate(['old.example'])
    await writeKeyPair(join(kept, 'certificate.pem'), old, 'create')
    const { port, listeners, log } = await openStage({ listen: { tls: await nowhere(kept) } })
    onTestFinished(() => listeners.close(0))
    await until(() => log.length > 0)
    expect(log[0]).toContain('the order failed (')
    expect((await shownOn(port))?.subjectAltName).toBe('DNS:old.example')
  })

  test('R-EDGE-27 is asked again after pauses that grow, from a minute to six hours', () => {
    expect([1, 2, 3, 4].map((failures) => pauseMs(failures) / 60_000)).toEqual([1, 2, 4, 8])
    expect(pauseMs(9) / 60_000).toBe(256)
    expect(pauseMs(1000)).toBe(6 * 3_600_000)
  })

  test('R-EDGE-27 is not asked sooner because of a restart, but because of another order', async () => {
    const kept = await folder()
    const config = await nowhere(kept)
    const log: string[] = []
    const nowMs = Date.now()
    const attempt = async (of: AcmeConfig, atMs: number): Promise<number> => {
      const keeper = acmeKeeper(of, {
        use: () => undefined,
        log: (message) => log.push(message),
        now: () => atMs,
      })
      await keeper.check()
      return log.length
    }
    expect(await attempt(config, nowMs)).toBe(1)
    expect(await attempt(config, nowMs + 59_999)).toBe(1)
    expect(await attempt(config, nowMs + 60_000)).toBe(2)
    expect(log[1]).toContain('in 2 min')
    expect(await attempt(config, nowMs + 60_000 + 119_999)).toBe(2)
    expect(await attempt({ ...config, names: ['other.example'] }, nowMs + 61_000)).toBe(3)
    expect(log[2]).toContain('in 1 min')
    await writeFile(join(kept, 'failure.json'), 'damaged')
    expect(await attempt(config, nowMs + 62_000)).toBe(4)
  })

  test('R-EDGE-26 an order whose process has died is taken over', async () => {
    const kept = await folder()
    const config = await nowhere(kept)
    const log: string[] = []
    const attempt = async (): Promise<void> => {
      const keeper = acmeKeeper(config, { use: () => undefined, log: (line) => log.push(line) })
      await keeper.check()
    }
    await attempt()
    await rm(join(kept, 'failure.json'))
    const lock = join(kept, 'order.lock')
    await writeFile(lock, String(process.ppid))
    await attempt()
    expect(log).toHaveLength(1)
    const longAgo = new Date(Date.now() - 16 * 60_000)
    await utimes(lock, longAgo, longAgo)
    await attempt()
    expect(log).toHaveLength(2)
    // No process of Linux or macOS has such a number.
    for (const pid of [2 ** 30, process.pid]) {
      await rm(join(kept, 'failure.json'))
      await writeFile(lock, String(pid))
      await attempt()
    }
    expect(log).toHaveLength(4)
    expect(await readdir(kept)).not.toContain('order.lock')
  })
})

describe('the port of challenges', () => {
  const answerTo = async (port: number, path: string, host: string) => {
    const request = get({ port, host: '127.0.0.1', path, headers: { host } })
    const [response] = await once(request, 'response')
    let text = ''
    for await (const chunk of response) text += String(chunk)
    return { status: response.statusCode, location: response.headers.location, text }
  }

  async function open(
    httpsPort: number,
  ): Promise<{ readonly port: number; readonly kept: string }> {
    const kept = await folder()
    await mkdir(join(kept, 'challenges'), { recursive: true })
    await writeFile(join(kept, 'challenges', 'token-1_A'), 'token-1_A.thumb')
    await writeFile(join(kept, 'secret'), 'a secret')
    const { port, close } = await openChallengeListener('127.0.0.1', 0, () => [
      { names, folder: kept, httpsPort: () => httpsPort },
    ])
    onTestFinished(close)
    return { port, kept }
  }

  test('R-EDGE-28 answers a challenge that is open, for any host', async () => {
    const { port } = await open(443)
    const path = '/.well-known/acme-challenge/token-1_A'
    expect(await answerTo(port, path, 'shop.example')).toMatchObject({
      status: 200,
      text: 'token-1_A.thumb',
    })
  })

  for (const [path, host, httpsPort, location] of [
    ['/a?b=c', 'shop.example', 443, 'https://shop.example/a?b=c'],
    ['/a', 'WWW.Shop.example:80', 443, 'https://www.shop.example/a'],
    ['/a', 'shop.example', 8443, 'https://shop.example:8443/a'],
    ['//evil.example/', 'shop.example', 443, 'https://shop.example//evil.example/'],
  ] as const) {
    test(`R-EDGE-28 sends ${path} of ${host} on to ${location}`, async () => {
      const { port } = await open(httpsPort)
      expect(await answerTo(port, path, host)).toEqual({ status: 308, location, text: '' })
    })
  }

  for (const [path, host] of [
    ['/', 'evil.example'],
    ['/', 'shop.example.evil.example'],
    ['/.well-known/acme-challenge/token-2', 'shop.example'],
    ['/.well-known/acme-challenge/', 'shop.example'],
    ['/.well-known/acme-challenge/../secret', 'shop.example'],
    ['/.well-known/acme-challenge/..%2fsecret', 'shop.example'],
    ['http://evil.example/', 'shop.example'],
  ] as const) {
    test(`R-EDGE-28 does not find ${path} of ${host}`, async () => {
      const { port } = await open(443)
      expect(await answerTo(port, path, host)).toMatchObject({ status: 404, text: '' })
    })
  }

  test('R-EDGE-28 closes what is slow', async () => {
    const { port } = await open(443)
    const socket = await openSocket(port)
    const answer = readAll(socket)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
    expect(statuses(await answer)).toEqual([408])
  })
})

test('R-EDGE-24 the module of ACME is loaded only where it is asked for', async () => {
  const source = await Promise.all(
    ['listener.ts', 'listeners.ts', 'tls-front.ts', 'acme-certificate.ts', 'acme-order.ts'].map(
      (file) => readFile(join(import.meta.dirname, file), 'utf8'),
    ),
  )
  expect(source.join('\n')).not.toMatch(/^import (?!type).*'acme-client'/m)
})
