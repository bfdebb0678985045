import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Ended, Running } from '../e2e/satway.ts'
import { freePort, satway, startSatway } from '../e2e/satway.ts'
import { until } from './until.ts'

/** The program `satway gateway`, selling what an upstream has, paid by an lnd node. */
export type RunningGateway = {
  readonly url: string
  readonly running: Running
  /** Its ledger: what was paid, in msat, by payment hash. */
  ledger(): Promise<ReadonlyMap<string, bigint>>
  stop(): Promise<Ended>
}

export type GatewayOptions = {
  /** Where it keeps its files. Made. */
  readonly folder: string
  readonly upstream: string
  readonly wallet: string
  /** Lines such as `GET /item/:id: 10 sat`. */
  readonly routes: readonly string[]
}

export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const { folder, upstream, wallet, routes } = options
  mkdirSync(folder, { recursive: true })
  const [port, admin] = [await freePort(), await freePort()]
  const config = `listen: 127.0.0.1:${port}
wallet: '${wallet}'
state: ./satway.db
issuance: { burst: 100000, per_minute: 100000, global_burst: 100000, global_per_minute: 100000 }
admin: { address: 127.0.0.1:${admin}, key: ./admin.key, macaroon: ./admin.macaroon }
services:
  - name: shop
    upstream: ${upstream}
    routes:
${routes.map((route) => `      ${route}`).join('\n')}
`
  writeFileSync(join(folder, 'satway.yaml'), config, { mode: 0o600 })
  const running = startSatway(folder, ['gateway', '--config', 'satway.yaml'], { cwd: folder })
  await untilServing(running)
  return {
    url: `http://127.0.0.1:${port}`,
    running,
    ledger: async () => {
      const { code, stdout, stderr } = await satway(
        folder,
        [
          ...['admin', 'transactions', 'list', '--csv'],
          ...['--address', `127.0.0.1:${admin}`, '--macaroon', 'admin.macaroon'],
        ],
        { cwd: folder },
      )
      if (code !== 0) throw new Error(stderr)
      const [head = '', ...lines] = stdout.trim().split(/\r?\n/)
      const names = head.split(',')
      const hash = names.indexOf('payment_hash')
      const amount = names.indexOf('amount_msat')
      return new Map(
        lines.map((line) => {
          const cells = line.split(',')
          return [cells[hash] ?? '', BigInt(cells[amount] ?? '')]
        }),
      )
    },
    stop: () => running.stop('SIGTERM'),
  }
}

/** @throws {Error} with what it said, when it ends instead. */
export async function untilServing(running: Running): Promise<void> {
  const hasEnded = (): boolean => running.child.exitCode !== null
  const serves = (): boolean => running.stderr().includes('"message":"serving"')
  await until('the gateway to serve', async () => hasEnded() || serves())
  if (hasEnded()) throw new Error(`The gateway ended: ${running.stderr()}`)
}
