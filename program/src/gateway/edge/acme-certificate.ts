import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AcmeConfig } from './acme-order.ts'
import { orderCertificate } from './acme-order.ts'
import {
  isCode,
  makePrivateFolder,
  readIfThere,
  stampOf,
  writePrivateFile,
} from './certificate-file.ts'
import type { KeeperOptions } from './certificate-keeper.ts'
import { CertificateKeeper, reasonOf } from './certificate-keeper.ts'

/** The first pause after a failed order. Each one doubles it, up to the last. */
const firstPauseMs = 60_000
const lastPauseMs = 6 * 3_600_000
/** Nobody is at an order for so long: whoever held it has died. */
const orderMs = 15 * 60_000

export type AcmeOptions = Pick<KeeperOptions, 'use' | 'log' | 'checkMs' | 'now'>

/** How long nothing is ordered after so many failures in a row, in milliseconds. */
export function pauseMs(failures: number): number {
  return Math.min(lastPauseMs, firstPauseMs * 2 ** (failures - 1))
}

/**
 * Keeps a certificate from an ACME authority. All that must be known stands in the folder, so that
 * of several processes one orders, any of them answers the challenge, and a restart does not repeat
 * what has just failed.
 */
export function acmeKeeper(config: AcmeConfig, options: AcmeOptions): CertificateKeeper {
  const { log, now = Date.now } = options
  return new CertificateKeeper({
    ...options,
    file: join(config.folder, 'certificate.pem'),
    names: config.names,
    make: async (signal) => {
      await makePrivateFolder(config.folder)
      const failed = await readFailure(config)
      if (failed !== undefined && now() < failed.atMs + pauseMs(failed.failures)) return undefined
      const release = await takeTurn(config.folder, now())
      if (release === undefined) return undefined
      try {
        const pair = await orderCertificate(config, challengesIn(config.folder), signal)
        await rm(failureFile(config.folder), { force: true })
        log(`certificate for ${config.names.join(', ')}: received`)
        return pair
      } catch (error) {
        if (signal.aborted) return undefined
        const failures = (failed?.failures ?? 0) + 1
        await writeFailure(config, { failures, atMs: now() })
        const pause = Math.round(pauseMs(failures) / 60_000)
        log(
          `certificate for ${config.names.join(', ')}: the order failed (${reasonOf(error)}); ` +
            `the next one is in ${pause} min, or at once when ${failureFile(config.folder)} is deleted`,
        )
        return undefined
      } finally {
        await release()
      }
    },
  })
}

/** The answer to a challenge, or `undefined` where nobody asked for it. */
export async function challengeAnswer(folder: string, token: string): Promise<string | undefined> {
  if (!isToken(token)) return undefined
  return await readIfThere(join(folder, 'challenges', token))
}

function challengesIn(folder: string): Parameters<typeof orderCertificate>[1] {
  const fileOf = (token: string): string => {
    if (!isToken(token)) throw new Error('the authority sent a token that is none')
    return join(folder, 'challenges', token)
  }
  return {
    async publish(token, answer) {
      await makePrivateFolder(join(folder, 'challenges'))
      await writePrivateFile(fileOf(token), answer)
    },
    withdraw: (token) => rm(fileOf(token), { force: true }),
  }
}

/** It becomes the name of a file. */
function isToken(token: string): boolean {
  return /^[\w-]{1,128}$/.test(token)
}

/** Folders in which this process has an order under way. */
const held = new Set<string>()

/** @returns What gives the turn back; `undefined` when somebody else is at it. */
async function takeTurn(folder: string, nowMs: number): Promise<(() => Promise<void>) | undefined> {
  if (held.has(folder)) return undefined
  held.add(folder)
  const file = join(folder, 'order.lock')
  if (await isAbandoned(file, nowMs)) await rm(file, { force: true })
  try {
    await writeFile(file, String(process.pid), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    held.delete(folder)
    if (isCode(error, 'EEXIST')) return undefined
    throw error
  }
  return async () => {
    held.delete(folder)
    await rm(file, { force: true })
  }
}

/** Whether whoever took the turn has died: is not there, had our number, or takes far too long. */
async function isAbandoned(file: string, nowMs: number): Promise<boolean> {
  const stamp = await stampOf(file)
  if (stamp === undefined) return false
  if (nowMs - stamp.writtenMs > orderMs) return true
  const pid = Number(await readIfThere(file))
  // Made a moment ago, and not written yet.
  if (!Number.isInteger(pid) || pid <= 0) return false
  return pid === process.pid || !isRunning(pid)
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return !isCode(error, 'ESRCH')
  }
}

type Failure = { readonly failures: number; readonly atMs: number }

function failureFile(folder: string): string {
  return join(folder, 'failure.json')
}

/** What failed counts only for the same order: who corrects the configuration need not wait. */
function orderOf(config: AcmeConfig): string {
  const { directory, names, httpHost, httpPort } = config
  return JSON.stringify([directory, names, httpHost, httpPort])
}

async function writeFailure(config: AcmeConfig, failure: Failure): Promise<void> {
  const text = JSON.stringify({ ...failure, order: orderOf(config) })
  await writePrivateFile(failureFile(config.folder), text)
}

async function readFailure(config: AcmeConfig): Promise<Failure | undefined> {
  const text = await readIfThere(failureFile(config.folder))
  if (text === undefined) return undefined
  try {
    const { failures, atMs, order } = JSON.parse(text)
    const isOurs = order === orderOf(config)
    return isOurs && Number.isInteger(failures) && failures > 0 && Number.isFinite(atMs)
      ? { failures, atMs }
      : undefined
  } catch {
    return undefined
  }
}
