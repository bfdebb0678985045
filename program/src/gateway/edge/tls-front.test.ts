import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { Stage, StageOptions } from '../../../../test/gateway/edge-stage.ts'
import {
  openSocket,
  openStage,
  plain,
  readAll,
  requestText,
  sendBytes,
  statuses,
} from '../../../../test/gateway/edge-stage.ts'
import type { TlsConfig } from '../config/index.ts'
import type { KeyPair } from './certificate-file.ts'
import { isFor, readKeyPair, renewalMs } from './certificate-file.ts'
import { CertificateKeeper } from './certificate-keeper.ts'
import { generateCertificate } from './generated-certificate.ts'

const names = ['localhost', '127.0.0.1']
const dayMs = 86_400_000
let first: KeyPair
let second: KeyPair

beforeAll(async () => {
  first = await generateCertificate(names)
  second = await generateCertificate(names)
})

function own(pair: KeyPair): TlsConfig {
  return { kind: 'own', ...pair }
}

async function stage(options: StageOptions = {}): Promise<Stage> {
  const opened = await openStage({ ...options, listen: { tls: own(first), ...options.listen } })
  onTestFinished(() => opened.listeners.close(0))
  return opened
}

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), 'satway-tls-'))
  onTestFinished(() => rm(made, { recursive: true }))
  return join(made, 'kept')
}

function trusting(pair: KeyPair): ConnectionOptions {
  return { ca: pair.certificate, servername: 'localhost' }
}

/** The certificate that a listener answers with. */
async function shownOn(port: number): Promise<string | undefined> {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const shown = socket.getPeerX509Certificate()?.fingerprint256
  socket.destroy()
  return shown
}

function fingerprint({ certificate }: KeyPair): string {
  return new X509Certificate(certificate).fingerprint256
}

describe('TLS', () => {
  for (const [name, protocols] of [
    ['without ALPN', undefined],
    ['with ALPN for http/1.1', ['http/1.1']],
  ] as const) {
    test(`R-EDGE-21 HTTP/1.1 is spoken ${name}`, async () => {
      const { port } = await stage()
      const tls = { ...trusting(first), ...(protocols && { ALPNProtocols: [...protocols] }) }
      const answer = await sendBytes(port, requestText('GET /t HTTP/1.0'), tls)
      expect(statuses(answer)).toEqual([200])
      expect(answer.text).toContain('GET /t 0 127.0.0.1 true')
    })
  }

  test('R-EDGE-21 HTTP/2 is spoken with ALPN for h2', async () => {
    const { port } = await stage()
    const client = connectHttp2(`https://127.0.0.1:${port}`, trusting(first))
    onTestFinished(() => client.destroy())
    const stream = client.request({ ':path': '/t' })
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    expect(text).toBe('GET /t 0 127.0.0.1 true')
  })

  test('R-EDGE-21 h2 is not offered where HTTP/2 is turned off', async () => {
    const { port } = await stage({ listen: { tls: own(first), http2: false } })
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      ...trusting(first),
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    await once(socket, 'secureConnect')
    expect(socket.alpnProtocol).toBe('http/1.1')
    socket.destroy()
  })

  for (const [name, options] of [
    ['TLS 1.1', { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }],
    ['CBC suites', { maxVersion: 'TLSv1.2', ciphers: 'ECDHE-ECDSA-AES128-SHA256' }],
    ['suites without forward secrecy', { maxVersion: 'TLSv1.2', ciphers: 'AES128-GCM-SHA256' }],
    ['another protocol', { ALPNProtocols: ['smtp'] }],
  ] as const) {
    test(`R-EDGE-21 ${name} is refused`, async () => {
      const { port } = await stage()
      const tls = { ...trusting(first), ...options } as ConnectionOptions
      await expect(openSocket(port, tls)).rejects.toThrow()
    })
  }

  test('R-EDGE-21 TLS 1.2 is accepted', async () => {
    const { port } = await stage()
    const tls: ConnectionOptions = { ...trusting(first), maxVersion: 'TLSv1.2' }
    expect(statuses(await sendBytes(port, requestText('GET / HTTP/1.0'), tls))).toEqual([200])
  })

  test('R-EDGE-12 a handshake that is not finished ends in time', async () => {
    const { port, counts } = await stage({ limits: { headMs: 300 } })
    const silent = await openSocket(port)
    expect((await readAll(silent)).text).toBe('')
    while (counts.at(-1) !== 0) await new Promise((resolve) => setTimeout(resolve, 5))
  })

  test('R-EDGE-12 a head that is not finished inside TLS gets 408', async () => {
    const { port } = await stage({ limits: { headMs: 300 } })
    const answer = await sendBytes(port, 'GET / HTTP/1.1\r\n', trusting(first))
    expect(statuses(answer)).toEqual([408])
  })

  test('HTTP without TLS closes the connection, and the next one is served', async () => {
    const { port, served } = await stage()
    await sendBytes(port, requestText('GET / HTTP/1.1'))
    expect(served).toEqual([])
    expect(statuses(await sendBytes(port, requestText('GET / HTTP/1.0'), trusting(first)))).toEqual(
      [200],
    )
  })

  test('R-EDGE-16 a PROXY header comes before the handshake', async () => {
    const { port, served } = await stage({
      listen: { tls: own(first), proxyProtocolFrom: ['127.0.0.1'] },
    })
    const raw = await openSocket(port)
    raw.write('PROXY TCP4 192.0.2.7 10.0.0.1 443 80\r\n')
    const socket: TLSSocket = connectTls({ socket: raw, ...trusting(first) })
    await once(socket, 'secureConnect')
    const answer = readAll(socket)
    socket.write(requestText('GET / HTTP/1.0'))
    expect(statuses(await answer)).toEqual([200])
    expect(served).toEqual(['GET / from 192.0.2.7'])
  })

  test('R-EDGE-8 refusals reach who is still sending, inside TLS too', async () => {
    const { port } = await stage()
    const socket = await openSocket(port, trusting(first))
    const answer = readAll(socket)
    socket.write(requestText('POST / HTTP/1.1', 'Host: a', 'Host: b', 'Content-Length: 4000000'))
    socket.write(Buffer.alloc(4_000_000))
    expect(statuses(await answer)).toEqual([400])
  })
})

describe('renewing', () => {
  test('R-EDGE-22 a new certificate is for new connections; old ones go on', async () => {
    const { port, listeners } = await stage()
    const old = await openSocket(port, trusting(first))
    await listeners.renew([{ ...plain, tls: own(second) }])
    expect(await shownOn(port)).toBe(fingerprint(second))
    const answer = readAll(old)
    old.write(requestText('GET / HTTP/1.0'))
    expect(statuses(await answer)).toEqual([200])
  })

  for (const [name, pair] of [
    ['a key of another certificate', () => ({ ...second, key: first.key })],
    ['no PEM', () => ({ certificate: 'none', key: 'none' })],
  ] as const) {
    test(`R-EDGE-22 ${name} is refused, and the old certificate stays`, async () => {
      const { port, listeners } = await stage()
      await expect(listeners.renew([{ ...plain, tls: own(pair()) }])).rejects.toThrow()
      expect(await shownOn(port)).toBe(fingerprint(first))
      const opening = openStage({ listen: { tls: own(pair()) } })
      await expect(opening).rejects.toThrow()
    })
  }

  test('R-EDGE-22 another kind of certificate is taken too', async () => {
    const { port, listeners } = await stage()
    const kept = await folder()
    await listeners.renew([{ ...plain, tls: { kind: 'generated', names, folder: kept } }])
    const made = await readKeyPair(join(kept, 'certificate.pem'))
    expect(await shownOn(port)).toBe(fingerprint(made!))
    await listeners.renew([{ ...plain, tls: own(second) }])
    expect(await shownOn(port)).toBe(fingerprint(second))
  })
})

describe('a generated certificate', () => {
  const many = ['localhost', 'a.example', '127.0.0.1', '::1']
  const generated = (kept: string): TlsConfig => ({ kind: 'generated', names: many, folder: kept })

  test('R-EDGE-23 is for all names and addresses, and is what curl takes', async () => {
    const kept = await folder()
    const { port } = await stage({ listen: { tls: generated(kept) } })
    const file = join(kept, 'certificate.pem')
    const { certificate } = (await readKeyPair(file))!
    const x509 = new X509Certificate(certificate)
    expect(many.map((name) => x509.checkHost(name) ?? x509.checkIP(name))).toEqual(many)
    expect(x509.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
    for (const host of ['localhost', '127.0.0.1']) {
      const { stdout } = await promisify(execFile)('curl', [
        '--silent',
        '--noproxy',
        '*',
        '--cacert',
        file,
        `https://${host}:${port}/curl`,
      ])
      expect(stdout).toContain('GET /curl 0 ')
    }
  })

  test('R-EDGE-23 is kept where only its owner can read it', async () => {
    const kept = await folder()
    const { port, listeners } = await openStage({ listen: { tls: generated(kept) } })
    const shown = await shownOn(port)
    expect((await stat(kept)).mode & 0o777).toBe(0o700)
    expect((await stat(join(kept, 'certificate.pem'))).mode & 0o777).toBe(0o600)
    await listeners.close(0)
    const again = await stage({ listen: { tls: generated(kept) } })
    expect(await shownOn(again.port)).toBe(shown)
  })

  test('R-EDGE-23 is the same for all who open at once', async () => {
    const kept = await folder()
    const stages = await Promise.all(
      Array.from({ length: 4 }, () => stage({ listen: { tls: generated(kept) } })),
    )
    const shown = await Promise.all(stages.map(({ port }) => shownOn(port)))
    expect(new Set(shown).size).toBe(1)
  })

  test('R-EDGE-23 is renewed when a third of its life is left, or other names are asked for', async () => {
    const kept = await folder()
    const file = join(kept, 'certificate.pem')
    const used: string[] = []
    let nowMs = Date.now()
    const keeper = (forNames: readonly string[]) =>
      new CertificateKeeper({
        file,
        names: forNames,
        make: () => generateCertificate(forNames, nowMs),
        use: (pair) => used.push(fingerprint(pair)),
        log: (message) => used.push(message),
        now: () => nowMs,
      })
    await keeper(names).check()
    const due = renewalMs((await readKeyPair(file))!.certificate)
    expect((due - nowMs) / dayMs).toBeCloseTo((365 * 2) / 3, 0)
    nowMs = due - 1
    await keeper(names).check()
    expect(new Set(used).size).toBe(1)
    nowMs = due
    await keeper(names).check()
    expect(new Set(used).size).toBe(2)
    await keeper([...names, 'b.example']).check()
    expect(new Set(used).size).toBe(3)
    expect(isFor((await readKeyPair(file))!.certificate, ['B.example', '127.0.0.1'])).toBe(true)
  })

  test('R-EDGE-23 that another process has renewed is taken over', async () => {
    const kept = await folder()
    const file = join(kept, 'certificate.pem')
    const used: string[] = []
    const keeper = new CertificateKeeper({
      file,
      names,
      make: () => generateCertificate(names),
      use: (pair) => used.push(fingerprint(pair)),
      log: (message) => used.push(message),
    })
    await keeper.check()
    await writeFile(file, `${second.key}${second.certificate}\n`)
    await keeper.check()
    await keeper.check()
    expect(used).toHaveLength(2)
    expect(used[1]).toBe(fingerprint(second))
  })

  test('R-EDGE-23 whose file is damaged is made anew, and said so', async () => {
    const kept = await folder()
    const file = join(kept, 'certificate.pem')
    await openStage({ listen: { tls: generated(kept) } }).then(({ listeners }) =>
      listeners.close(0),
    )
    await writeFile(file, (await readFile(file, 'utf8')).slice(0, 300))
    const { port, log } = await stage({ listen: { tls: generated(kept) } })
    expect(await shownOn(port)).toBe(fingerprint((await readKeyPair(file))!))
    expect(log.join()).toContain('a new one is made')
    expect(log.join()).not.toContain('BEGIN')
  })

  test('a folder that cannot be written stops the opening, and says why', async () => {
    const kept = await folder()
    await writeFile(kept, 'a file where a folder should be')
    const opening = openStage({ listen: { tls: generated(join(kept, 'tls')) } })
    await expect(opening).rejects.toThrow('no certificate in ')
  })
})
