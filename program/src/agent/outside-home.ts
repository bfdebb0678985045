import { realpathSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { Given } from '../cli/command.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { isPrivateMode } from '../keys/private-file.ts'
import type { Environment } from './home.ts'
import { homeOf, policyNames } from './home.ts'
import { ownFile } from './wallet-secret.ts'

/** Certificates of wallets, and compiled code. */
const decides = /\.(?:cert|crt|pem)$|^cache(?:[\\/]|$)/i

/** What was fetched, and what a demo has people try things with. */
const free = /^(?:downloads|demo-\d+)[\\/]/

/**
 * Refuses to write what came from elsewhere over what decides here, and to send what is secret here: who
 * may only run this program must not replace the policy by a download, nor the wallet, nor the journal.
 *
 * @param given - With the flags that name files, where they are.
 * @throws {Failure} before anything is asked, sent or written.
 * @spec agent.md R-AGT-50
 */
export function requireOutsideHome(given: Given, environment: Environment = process.env): void {
  const named = [given.text('output'), given.text('credential')].filter(isFile)
  const written = given.has('remote-name') ? [...named, remoteName(given)] : named
  const sent = [given.text('data'), ...given.texts('header')]
    .filter(isFile)
    .filter((text) => text.startsWith('@') && text !== '@-')
    .map((text) => text.slice(1))
  if (written.length + sent.length === 0) return
  const { folder } = homeOf(undefined, environment)
  const refusal = { exitCode: exitCodes.refused, advice: 'Nothing was sent. Name another file.' }
  const target = written.find((path) => isKept(path, folder))
  if (target !== undefined) {
    throw new Failure(`${target} is what this program goes by: nothing else may write it.`, refusal)
  }
  const source = sent.find((path) => isKept(path, folder))
  if (source !== undefined) {
    throw new Failure(`${source} is kept for this program alone: it is sent nowhere.`, refusal)
  }
}

function isFile(text: string | undefined): text is string {
  return text !== undefined && text !== '-'
}

/** As the URL ends. What cannot be told here may be anything. */
function remoteName({ operands: [text = ''] }: Given): string {
  return URL.parse(text)?.pathname.split('/').at(-1) || policyNames[0]
}

/** Whether it is one of the program's own names in the home, or something private that is there. */
function isKept(path: string, folder: string): boolean {
  const real = realOf(path)
  const name = relative(realOf(folder), real)
  if (name === '' || name === '..' || name.startsWith(`..${sep}`)) return false
  if (free.test(name)) return false
  return ownFile.test(name) || decides.test(name) || isPrivate(real)
}

function isPrivate(path: string): boolean {
  const found = statSync(path, { throwIfNoEntry: false })
  return found !== undefined && process.platform !== 'win32' && isPrivateMode(found.mode)
}

/** Where it is, or would be: what is not there yet lies in a folder that is. */
function realOf(path: string): string {
  const whole = resolve(path)
  try {
    return realpathSync.native(whole)
  } catch {
    const folder = dirname(whole)
    return folder === whole ? whole : join(realOf(folder), basename(whole))
  }
}
