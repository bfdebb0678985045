import 'reflect-metadata'
import { execFile } from 'node:child_process'
import { webcrypto } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { Server } from 'node:https'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer as createPlainServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { beforeAll, describe, expect, test } from 'vitest'
import { createTransport } from '../../library/src/transport/index.ts'
import { caught, closeAfterTest } from './raw-server.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
let identity: { readonly key: string; readonly cert: string }

beforeAll(async () => {
  x509.cryptoProvider.set(webcrypto as typeof globalThis.crypto)
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: 'CN=shop.test',
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 3_600_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [new x509.SubjectAlternativeNameExtension([{ type: 'dns', value: 'shop.test' }])],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  identity = {
    key: x509.PemConverter.encode(key, 'PRIVATE KEY'),
    cert: certificate.toString('pem'),
  }
})

async function startTls(): Promise<{
  readonly port: number
  readonly seen: string[]
  server: Server
}> {
  const seen: string[] = []
  const server = createServer(identity, (request, response) => {
    const { servername } = request.socket as unknown as { servername: string | false }
    seen.push(`${servername} ${request.headers.host}`)
    response.end('over TLS')
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closeAfterTest(
    () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  )
  return { port: (server.address() as AddressInfo).port, seen, server }
}

const lookup = async (): Promise<readonly string[]> => ['127.0.0.1']

describe('R-NET-17 https', () => {
  test('a certificate that nobody vouches for is refused', async () => {
    const { port, seen } = await startTls()
    const { error, code } = await caught(
      createTransport({ lookup }).fetch(`https://shop.test:${port}/`, {}),
    )
    expect([error.message, code]).toEqual(['fetch failed', 'DEPTH_ZERO_SELF_SIGNED_CERT'])
    expect(seen).toEqual([])
  })

  test('unless verifyTls is false; the server sees the name of the URL, not the address', async () => {
    const { port, seen } = await startTls()
    const transport = createTransport({ lookup, verifyTls: false })
    for (let i = 0; i < 2; i++) {
      const response = await transport.fetch(`https://shop.test:${port}/`, {})
      expect(await response.text()).toBe('over TLS')
    }
    expect(seen).toEqual(Array(2).fill(`shop.test shop.test:${port}`))
  })

  test('one transport that checks nothing does not spoil another', async () => {
    const { port } = await startTls()
    const lax = createTransport({ lookup, verifyTls: false })
    await (await lax.fetch(`https://shop.test:${port}/`, {})).text()
    const strict = createTransport({ lookup })
    const { code } = await caught(strict.fetch(`https://shop.test:${port}/`, {}))
    expect(code).toBe('DEPTH_ZERO_SELF_SIGNED_CERT')
  })

  test('the name in the certificate has to be that of the URL', async () => {
    // In a process of its own, which trusts the certificate: that is decided when Node starts.
    const { port } = await startTls()
    const folder = await mkdtemp(join(tmpdir(), 'satway-'))
    closeAfterTest(() => rm(folder, { recursive: true }))
    await writeFile(join(folder, 'trusted.pem'), identity.cert)
    const door = new URL('../../library/src/transport/index.ts', import.meta.url).href
    const script = `
      const { createTransport } = await import(${JSON.stringify(door)})
      const transport = createTransport({ lookup: async () => ['127.0.0.1'] })
      for (const host of ['shop.test', 'other.test', '127.0.0.1']) {
        const asked = transport.fetch('https://' + host + ':${port}/', {})
        console.log(host, await asked.then((r) => r.text(), (e) => e.cause.code + ' ' + e.cause.message))
      }
      process.exit()`
    const output = await new Promise<string>((resolve, reject) => {
      execFile(
        process.execPath,
        ['--input-type=module', '--eval', script],
        {
          env: { ...process.env, NODE_EXTRA_CA_CERTS: join(folder, 'trusted.pem') },
          timeout: 30_000,
        },
        (error, out, err) =>
          error === null ? resolve(out) : reject(new Error(err, { cause: error })),
      )
    })
    expect(output.trim().split('\n')).toEqual([
      'shop.test over TLS',
      'other.test ERR_TLS_CERT_ALTNAME_INVALID the certificate is for another name',
      '127.0.0.1 ERR_TLS_CERT_ALTNAME_INVALID the certificate is for another name',
    ])
  })

  test('a server that speaks plain HTTP on the port is an error', async () => {
    const plain = createPlainServer((socket) => socket.resume().end('HTTP/1.1 400 Bad\r\n\r\n'))
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve))
    closeAfterTest(() => new Promise((resolve) => plain.close(() => resolve())))
    const target = (plain.address() as AddressInfo).port
    const { error } = await caught(createTransport().fetch(`https://127.0.0.1:${target}/`, {}))
    expect(error.message).toBe('fetch failed')
  })
})

describe('R-NET-18 the proxies of the environment', () => {
  test('are not used', async () => {
    const { port } = await startTls()
    const door = new URL('../../library/src/transport/index.ts', import.meta.url).href
    const script = `
      const { createTransport } = await import(${JSON.stringify(door)})
      const transport = createTransport({ lookup: async () => ['127.0.0.1'], verifyTls: false })
      const response = await transport.fetch('https://shop.test:${port}/', {})
      console.log(await response.text())
      process.exit()`
    const proxy = 'http://127.0.0.1:9'
    const env = {
      ...process.env,
      NODE_USE_ENV_PROXY: '1',
      HTTP_PROXY: proxy,
      HTTPS_PROXY: proxy,
      https_proxy: proxy,
      NO_PROXY: '',
    }
    const output = await new Promise<string>((resolve, reject) => {
      const args = ['--input-type=module', '--eval', script]
      execFile(process.execPath, args, { env, timeout: 30_000 }, (error, out, err) =>
        error === null ? resolve(out) : reject(new Error(err, { cause: error })),
      )
    })
    expect(output.trim()).toBe('over TLS')
  })
})
