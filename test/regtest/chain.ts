import { existsSync, mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Guard } from './guard.ts'
import { hasEnded } from './guard.ts'
import { createHttpsJson } from './https-json.ts'
import { findFreePort } from './ports.ts'
import { until } from './until.ts'

/** A chain that grows when it is told to. */
export type Chain = {
  readonly host: string
  readonly user: string
  readonly password: string
  readonly certificateFile: string
  /** Adds blocks, whose reward goes to the address given at the start. */
  mine(blocks: number): Promise<void>
  height(): Promise<number>
  close(): void
}

/** Known to everyone on this machine: there is nothing to take. */
const user = 'satway'
const password = 'regtest'

/** Starts btcd, with an empty chain of its own and no peers. */
export async function startChain(
  guard: Guard,
  program: string,
  minerAddress: string,
): Promise<Chain> {
  const folder = join(guard.folder, 'btcd')
  mkdirSync(folder)
  const port = await findFreePort()
  const certificateFile = join(folder, 'rpc.cert')
  const child = guard.run(
    'btcd',
    program,
    [
      '--regtest',
      '--txindex',
      '--nolisten',
      '--nobanning',
      '--norelaypriority',
      '--blockprioritysize=0',
      `--configfile=${join(folder, 'btcd.conf')}`,
      `--datadir=${join(folder, 'data')}`,
      `--logdir=${join(folder, 'logs')}`,
      `--rpclisten=127.0.0.1:${port}`,
      `--rpcuser=${user}`,
      `--rpcpass=${password}`,
      `--rpccert=${certificateFile}`,
      `--rpckey=${join(folder, 'rpc.key')}`,
      '--rpcmaxclients=50',
      '--rpcmaxwebsockets=50',
      `--miningaddr=${minerAddress}`,
      '--debuglevel=warn',
    ],
    { env: { GOMEMLIMIT: '256MiB', HOME: folder } },
  )
  const watch = { isOver: () => hasEnded(child) }
  await until('the certificate of btcd', async () => existsSync(certificateFile), watch)
  const credential = Buffer.from(`${user}:${password}`).toString('base64')
  const server = createHttpsJson({
    port,
    certificate: readFileSync(certificateFile, 'utf8'),
    headers: () => ({ authorization: `Basic ${credential}` }),
  })

  type Answer<Result> = { readonly result: Result }
  const call = async <Result>(method: string, ...params: readonly unknown[]): Promise<Result> => {
    const answer = await server.ask<Answer<Result>>('/', { jsonrpc: '1.0', id: 1, method, params })
    return answer.result
  }
  await until('btcd', async () => (await call<number>('getblockcount')) >= 0, watch)

  return {
    host: `127.0.0.1:${port}`,
    user,
    password,
    certificateFile,
    mine: async (blocks) => {
      await call('generate', blocks)
    },
    height: () => call<number>('getblockcount'),
    close: server.close,
  }
}
