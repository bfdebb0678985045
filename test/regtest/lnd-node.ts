import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Chain } from './chain.ts'
import type { Guard } from './guard.ts'
import { hasEnded } from './guard.ts'
import type { HttpsJson } from './https-json.ts'
import { createHttpsJson } from './https-json.ts'
import { findFreePort } from './ports.ts'
import { until } from './until.ts'

/** An lnd node that runs on this machine. */
export type LndNode = {
  readonly name: string
  /** Of its REST interface. The same after a restart. */
  readonly url: string
  readonly port: number
  /** PEM. */
  readonly certificate: string
  readonly certificateFile: string
  /** May do everything. */
  readonly admin: Uint8Array
  /** Its key, in hex. */
  readonly nodeId: string
  /** Where other nodes reach it. */
  readonly host: string
  /** Asks its REST interface as its owner. */
  readonly rest: HttpsJson['ask']
  /** A macaroon that allows the methods named, and nothing else. */
  bake(methods: readonly string[]): Promise<Uint8Array>
  /** CPU time that its process has used, in ms; 0 where the system does not tell. */
  cpuMs(): number
  /** Ends it in order. */
  stop(): Promise<void>
  /** Ends it at once. */
  kill(): Promise<void>
  /** Starts it again after {@link stop} or {@link kill}, and waits until it can be used. */
  start(options?: StartOptions): Promise<void>
  /** {@link stop}, then {@link start}. */
  restart(options?: StartOptions): Promise<void>
  /** Opens a wallet that {@link start} left locked, and waits until the node can be used. */
  unlock(): Promise<void>
  /** Ends the connections of {@link rest}. */
  close(): void
}

export type StartOptions = {
  /** Its wallet stays locked. */
  readonly locked?: boolean
}

/** Protects nothing but test money. */
const password = 'satway-regtest'

/**
 * Starts a node with a new wallet.
 *
 * @param seed - Of its wallet. Left out: it makes its own.
 */
export async function startLnd(
  guard: Guard,
  program: string,
  chain: Chain,
  name: string,
  seed?: readonly string[],
): Promise<LndNode> {
  const folder = join(guard.folder, name)
  mkdirSync(folder)
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  const [port, rpcPort, peerPort] = [
    await findFreePort(),
    await findFreePort(),
    await findFreePort(),
  ]
  const certificateFile = join(folder, 'tls.cert')
  const args = lndArguments(chain, { name, folder, port, rpcPort, peerPort })
  const env = { GOMEMLIMIT: '256MiB', GOMAXPROCS: '2', HOME: folder }

  let child: ChildProcess
  const run = (...more: readonly string[]): void => {
    child = guard.run(name, program, [...args, ...more], { env })
  }
  const autoUnlock = `--wallet-unlock-password-file=${passwordFile}`
  run(autoUnlock, '--wallet-unlock-allow-create')
  const watch = { isOver: () => hasEnded(child) }
  await until(`the certificate of ${name}`, async () => existsSync(certificateFile), watch)

  let admin = new Uint8Array()
  const certificate = await until(`the certificate of ${name}`, async () => {
    const text = readFileSync(certificateFile, 'utf8')
    return text.includes('END CERTIFICATE') && text
  })
  const server = createHttpsJson({
    port,
    certificate,
    headers: () => ({ 'grpc-metadata-macaroon': Buffer.from(admin).toString('hex') }),
  })
  const state = async (): Promise<string> =>
    (await server.ask<{ readonly state: string }>('/v1/state')).state
  const isState = (wanted: string): Promise<boolean> =>
    until(`${name} to be ${wanted}`, async () => (await state()) === wanted, watch)

  await isState('NON_EXISTING')
  const words =
    seed ??
    (await server.ask<{ readonly cipher_seed_mnemonic: readonly string[] }>('/v1/genseed'))
      .cipher_seed_mnemonic
  const made = await server.ask<{ readonly admin_macaroon: string }>('/v1/initwallet', {
    wallet_password: Buffer.from(password).toString('base64'),
    cipher_seed_mnemonic: words,
  })
  admin = new Uint8Array(Buffer.from(made.admin_macaroon, 'base64'))
  await isState('SERVER_ACTIVE')
  const info = await server.ask<{ readonly identity_pubkey: string }>('/v1/getinfo')

  const end = async (signal: 'SIGTERM' | 'SIGKILL'): Promise<void> => {
    if (hasEnded(child)) return
    const ended = once(child, 'exit')
    child.kill(signal)
    await ended
  }
  const start = async (options: StartOptions = {}): Promise<void> => {
    run(...(options.locked === true ? [] : [autoUnlock]))
    await isState(options.locked === true ? 'LOCKED' : 'SERVER_ACTIVE')
  }
  const stop = (): Promise<void> => end('SIGTERM')

  return {
    name,
    url: `https://127.0.0.1:${port}`,
    port,
    certificate,
    certificateFile,
    admin,
    nodeId: info.identity_pubkey,
    host: `127.0.0.1:${peerPort}`,
    rest: server.ask,
    bake: async (methods) => {
      const permissions = methods.map((method) => ({ entity: 'uri', action: method }))
      const baked = await server.ask<{ readonly macaroon: string }>('/v1/macaroon', { permissions })
      return new Uint8Array(Buffer.from(baked.macaroon, 'hex'))
    },
    cpuMs: () => readCpuMs(child.pid),
    stop,
    kill: () => end('SIGKILL'),
    start,
    restart: async (options) => {
      await stop()
      await start(options)
    },
    unlock: async () => {
      await server.ask('/v1/unlockwallet', {
        wallet_password: Buffer.from(password).toString('base64'),
      })
      await isState('SERVER_ACTIVE')
    },
    close: server.close,
  }
}

type Place = {
  readonly name: string
  readonly folder: string
  readonly port: number
  readonly rpcPort: number
  readonly peerPort: number
}

function lndArguments(chain: Chain, place: Place): readonly string[] {
  const { name, folder, port, rpcPort, peerPort } = place
  return [
    `--lnddir=${folder}`,
    `--alias=${name}`,
    `--restlisten=127.0.0.1:${port}`,
    `--rpclisten=127.0.0.1:${rpcPort}`,
    `--listen=127.0.0.1:${peerPort}`,
    '--debuglevel=warn',
    '--logging.file.disable',
    '--nobootstrap',
    '--bitcoin.regtest',
    '--bitcoin.node=btcd',
    `--btcd.rpchost=${chain.host}`,
    `--btcd.rpcuser=${chain.user}`,
    `--btcd.rpcpass=${chain.password}`,
    `--btcd.rpccert=${chain.certificateFile}`,
    '--bitcoin.defaultchanconfs=1',
    // What a real network spreads over minutes happens at once.
    '--trickledelay=50',
    '--gossip.sub-batch-delay=5ms',
    '--channel-commit-interval=1ms',
    '--channel-commit-batch-size=1',
    '--minbackoff=200ms',
    '--maxbackoff=1s',
    '--caches.rpc-graph-cache-duration=0',
    '--healthcheck.chainbackend.attempts=0',
    '--healthcheck.diskspace.attempts=0',
    '--healthcheck.tls.attempts=0',
  ]
}

/** Linux tells it in 1/100 s, for the process with its threads. */
function readCpuMs(pid: number | undefined): number {
  const file = `/proc/${pid ?? 0}/stat`
  if (!existsSync(file)) return 0
  const fields = readFileSync(file, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10
}
