import { Agent } from 'node:https'
import { join } from 'node:path'
import type { TlsConfig } from '../config/index.ts'
import type { KeyPair } from './certificate-file.ts'
import { makePrivateFolder, readIfThere, writePrivateFile } from './certificate-file.ts'

export type AcmeConfig = Extract<TlsConfig, { readonly kind: 'acme' }>

/** Where the answers to an authority's challenges are put. */
export type Challenges = {
  publish(token: string, answer: string): Promise<void>
  withdraw(token: string): Promise<void>
}

const requestMs = 30_000

/** One order at a time: the client's settings are those of its module. */
let turn: Promise<unknown> = Promise.resolve()

/**
 * Orders a certificate: account, order, HTTP-01 challenges, a new key.
 *
 * @throws {Error} when any of it fails, or `signal` is aborted.
 */
export function orderCertificate(
  config: AcmeConfig,
  challenges: Challenges,
  signal: AbortSignal,
): Promise<KeyPair> {
  const order = turn.then(() => orderNow(config, challenges, signal))
  turn = order.catch(() => undefined)
  return order
}

async function orderNow(
  config: AcmeConfig,
  challenges: Challenges,
  signal: AbortSignal,
): Promise<KeyPair> {
  signal.throwIfAborted()
  // A large module with an HTTP client of its own: only who asks for certificates pays for it.
  const { axios, Client, crypto } = await import('acme-client')
  // Pauses are ours: its own would hammer an authority that is down.
  Object.assign(axios.defaults, {
    acmeSettings: { retryMaxAttempts: 0, retryDefaultDelay: 0 },
    httpsAgent: new Agent(config.ca === undefined ? {} : { ca: config.ca }),
    timeout: requestMs,
    signal,
  })
  const client = new Client({
    directoryUrl: config.directory,
    accountKey: await accountKey(config.folder, crypto.createPrivateEcdsaKey),
    backoffAttempts: 20,
    backoffMin: 1000,
    backoffMax: 5000,
  })
  const ownKey = await crypto.createPrivateEcdsaKey('P-256')
  const [key, csr] = await crypto.createCsr({ altNames: [...config.names] }, ownKey)
  const certificate = await client.auto({
    csr,
    ...(config.email === undefined ? {} : { email: config.email }),
    termsOfServiceAgreed: true,
    challengePriority: ['http-01'],
    // From here it may not be reachable under its public name.
    skipChallengeVerification: true,
    challengeCreateFn: async (_authorization, challenge, answer) => {
      if (challenge.type !== 'http-01') throw new Error('the authority offers no HTTP-01 challenge')
      await challenges.publish(challenge.token, answer)
    },
    challengeRemoveFn: (_authorization, challenge) => challenges.withdraw(challenge.token),
  })
  return { certificate, key: key.toString() }
}

async function accountKey(folder: string, create: () => Promise<Buffer>): Promise<string> {
  const file = join(folder, 'account.pem')
  await makePrivateFolder(folder)
  const there = await readIfThere(file)
  if (there !== undefined) return there
  await writePrivateFile(file, (await create()).toString(), 'create')
  return (await readIfThere(file))!
}
