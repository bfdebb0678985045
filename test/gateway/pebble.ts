import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { get } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { KeyPair } from '../../program/src/gateway/edge/certificate-file.ts'
import { generateCertificate } from '../../program/src/gateway/edge/generated-certificate.ts'
import { freePorts } from './nginx.ts'

/** Pebble, the ACME authority that its clients are tested against, on loopback. */
export type Pebble = {
  readonly directory: string
  /** PEM of what signs the TLS of the directory. */
  readonly ca: string
  /** Where it asks for HTTP-01 challenges, of any name. */
  readonly httpPort: number
  /** PEM of the authority's root, which clients of its certificates trust. */
  root(): Promise<string>
  stop(): Promise<void>
}

const version = 'v2.10.1'
const patienceMs = 15_000
const buildMs = 300_000

/**
 * What keeps Pebble from running here, or `undefined`: for `skipPart('pebble', pebbleLack())`. Builds
 * it with Go where that has not been done on this machine.
 */
export function pebbleLack(): string | undefined {
  if (existsSync(binary())) return undefined
  if (spawnSync('go', ['version']).status !== 0) return 'Go is not installed'
  mkdirSync(cacheFolder(), { recursive: true })
  const built = spawnSync(
    'go',
    ['install', `github.com/letsencrypt/pebble/v2/cmd/pebble@${version}`],
    {
      env: { ...process.env, GOBIN: cacheFolder() },
      timeout: buildMs,
    },
  )
  return built.status === 0 ? undefined : 'Pebble could not be built'
}

/** @param validitySeconds - Of the certificates that it signs. */
export async function startPebble(validitySeconds: number = 7_776_000): Promise<Pebble> {
  const [port = 0, managementPort = 0, httpPort = 0, tlsPort = 0] = await freePorts(4)
  const folder = mkdtempSync(join(tmpdir(), 'satway-pebble-'))
  const own = await generateCertificate(['localhost', '127.0.0.1'])
  writeFileSync(join(folder, 'cert.pem'), own.certificate)
  writeFileSync(join(folder, 'key.pem'), own.key, { mode: 0o600 })
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: join(folder, 'cert.pem'),
    privateKey: join(folder, 'key.pem'),
    httpPort,
    tlsPort,
    ocspResponderURL: '',
    retryAfter: { authz: 1, order: 1 },
    keyAlgorithm: 'ecdsa',
    profiles: { default: { description: 'all there is', validityPeriod: validitySeconds } },
  }
  writeFileSync(join(folder, 'pebble.json'), JSON.stringify({ pebble: config }))
  const names = await openNames()
  const child = spawn(
    binary(),
    ['-config', join(folder, 'pebble.json'), '-dnsserver', `127.0.0.1:${names.port}`],
    {
      env: { ...process.env, PEBBLE_VA_NOSLEEP: '1', PEBBLE_VA_ALWAYS_VALID: '0' },
      stdio: 'ignore',
    },
  )
  const directory = `https://localhost:${port}/dir`
  const stop = async (): Promise<void> => {
    await end(child)
    names.close()
    rmSync(folder, { recursive: true })
  }
  try {
    await untilThere(directory, own)
  } catch (error) {
    await stop()
    throw error
  }
  const root = (): Promise<string> => read(`https://localhost:${managementPort}/roots/0`, own)
  return { directory, ca: own.certificate, httpPort, root, stop }
}

function cacheFolder(): string {
  return join(tmpdir(), `satway-pebble-${version}`)
}

function binary(): string {
  return join(cacheFolder(), 'pebble')
}

/** A name server, by TCP, to which every name is this machine. */
async function openNames(): Promise<{ readonly port: number; close(): void }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (message: Buffer) => {
      const query = message.subarray(2)
      const end = query.indexOf(0, 12) + 5
      const isIpv4 = query.readUInt16BE(end - 4) === 1
      const head = Buffer.from(query.subarray(0, 12))
      head.writeUInt16BE(0x8580, 2)
      head.writeUInt16BE(isIpv4 ? 1 : 0, 6)
      head.writeUInt32BE(0, 8)
      const loopback = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1])
      const answer = [head, query.subarray(12, end), ...(isIpv4 ? [loopback] : [])]
      const length = Buffer.alloc(2)
      length.writeUInt16BE(Buffer.concat(answer).length)
      socket.write(Buffer.concat([length, ...answer]))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { port: (server.address() as AddressInfo).port, close: () => server.close() }
}

async function untilThere(url: string, own: KeyPair): Promise<void> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    try {
      await read(url, own)
      return
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }
}

async function read(url: string, own: KeyPair): Promise<string> {
  const request = get(url, { ca: own.certificate, timeout: patienceMs })
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return text
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
