import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { msat } from 'satway'
import { parseKeyRing } from 'satway/server'
import { mintPaidToken } from '../paid-token.ts'
import { freePort, start, subjectCpu } from './machine.ts'
import type { Forwarder, Stage } from './servers.ts'

export const command: string = fileURLToPath(
  new URL('../../program/bin/satway.js', import.meta.url),
)

/** Obviously nobody's key. */
const keys = `1:${'07'.repeat(32)}`

/** A token for all that the benchmark sells, as the gateway mints them: with four caveats. */
export function paidAuthorization(): string {
  return mintPaidToken(parseKeyRing(keys), {
    service: 'bench',
    tier: 0,
    capability: 'all',
    validUntilSeconds: 4_000_000_000,
    amountMsat: msat(10_000n),
  }).authorization
}

export type GatewayFiles = {
  readonly port: number
  readonly config: string
  readonly state: string
}

/** Writes the configuration of a gateway on a free port. */
export async function configureGateway(
  stage: Stage,
  upstreamPort: number = stage.upstreamPort,
): Promise<GatewayFiles> {
  const port = await freePort()
  const folder = join(stage.folder, `gateway-${port}`)
  mkdirSync(folder)
  const config = join(folder, 'satway.yaml')
  const state = join(folder, 'state.db')
  const keyFile = join(folder, 'satway.keys')
  writeFileSync(keyFile, `${keys}\n`)
  chmodSync(keyFile, 0o600)
  writeFileSync(
    config,
    `listen: 127.0.0.1:${port}
wallet: { devnet: { file: ${join(folder, 'wallet.json')}, balance: 1000000 sat } }
keys: file:${keyFile}
state: ${state}
admin: false
log: { access: off }
limits: { connections: 20000, connections_per_client: 20000 }
services:
  - name: bench
    upstream: http://127.0.0.1:${upstreamPort}
    routes:
      GET /small: { price: 10 sat, capability: all, lifetime: 1d }
      GET /large: { price: 10 sat, capability: all, lifetime: 1d }
      GET /slow: { price: 10 sat, capability: all, lifetime: 1d }
`,
  )
  return { port, config, state }
}

/** The gateway as its users start it, on the processor of the subjects. */
export async function startGateway(
  stage: Stage,
  files?: GatewayFiles,
): Promise<Forwarder & { readonly startedMs: number }> {
  const { port, config } = files ?? (await configureGateway(stage))
  const began = performance.now()
  const argv = [process.execPath, command, 'gateway', '--config', config]
  const running = stage.keep(await start(subjectCpu, argv, port))
  return {
    name: 'satway',
    who: 'satway',
    port,
    headers: { Authorization: paidAuthorization() },
    running,
    startedMs: performance.now() - began,
  }
}
