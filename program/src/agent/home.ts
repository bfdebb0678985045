import { existsSync, mkdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join, resolve } from 'node:path'
import { isAgentRun } from '../cli/agent-run.ts'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import { isOpenToChanges } from './small-file.ts'

/** Where one spender keeps what must outlive a process. */
export type Home = {
  readonly folder: string
  readonly journalFile: string
  readonly receiptsFile: string
  /** `policy.yaml`, or `policy.json` where that is there. SATWAY_POLICY names another. */
  readonly policyFile: string
  readonly configFile: string
  /** The only folder that tools of the MCP server write to. */
  readonly downloadFolder: string
}

/** Variables that a program is started with. */
export type Environment = Readonly<Record<string, string | undefined>>

/**
 * The places of one spender. Makes and reads nothing. Nothing is ever looked for in the working
 * directory: whoever unpacks a stranger's files must not get a stranger's limits with them.
 *
 * @param folder - Absolute. Default: SATWAY_HOME, then `~/.satway`.
 * @throws {Failure} for a path that is not absolute, or leads into the working directory, and for
 *   SATWAY_POLICY where an agent runs.
 * @spec agent.md R-AGT-1
 */
export function homeOf(folder?: string, environment: Environment = process.env): Home {
  const { SATWAY_HOME: named, HOME: own } = environment
  const chosen = folder ?? named ?? ''
  const place =
    chosen === ''
      ? absolute(join(own || homedir(), '.satway'), 'HOME')
      : absolute(chosen, 'SATWAY_HOME')
  return {
    folder: place,
    journalFile: join(place, 'journal.db'),
    receiptsFile: join(place, 'receipts.jsonl'),
    policyFile: policyFileIn(place, environment),
    configFile: join(place, 'config.yaml'),
    downloadFolder: join(place, 'downloads'),
  }
}

/** What the policy of a home may be called. */
export const policyNames = ['policy.yaml', 'policy.json'] as const

/**
 * Refuses a home that others can write to: they could put another policy there, or another journal.
 *
 * @throws {Failure} with the command that mends it.
 * @spec agent.md R-AGT-2
 */
export function requireOwnHome({ folder }: Pick<Home, 'folder'>): void {
  let found: ReturnType<typeof statSync>
  try {
    found = statSync(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return
    throw new Failure(`${folder} cannot be looked at (${code}).`)
  }
  if (!found.isDirectory()) throw new Failure(`${folder} is no folder.`, { advice: elsewhere })
  if (!isOpenToChanges(Number(found.mode))) return
  throw new Failure(`${folder} can be changed by others.`, {
    advice: `Nothing was done. Make it yours alone: chmod 700 ${folder}`,
  })
}

/**
 * Makes the home, with mode 0700, where there is none.
 *
 * @throws {Failure} as {@link requireOwnHome}, and when it cannot be made.
 */
export function makeHome(home: Pick<Home, 'folder'>): void {
  try {
    mkdirSync(home.folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new Failure(`${home.folder} cannot be made (${code}).`, { advice: elsewhere })
  }
  requireOwnHome(home)
}

const elsewhere = 'SATWAY_HOME names another folder.'

/**
 * A path that a person wrote: absolute, or from the user's own folder. What is below `/proc` and `/dev`
 * is another thing for every process, such as the working directory of this one.
 *
 * @param source - Where it was written, for the message.
 * @throws {Failure} for any other.
 */
export function absolute(path: string, source: string): string {
  const whole = path.startsWith('~/') ? join(homedir(), path.slice(2)) : path
  if (!isAbsolute(whole)) {
    throw new Failure(`${source}: expected a path that begins with / or ~/`)
  }
  if (!/^\/(?:proc|dev)(?:\/|$)/.test(resolve(whole))) return whole
  throw new Failure(`${source}: expected a place of its own, and none below /proc or /dev`)
}

function policyFileIn(folder: string, environment: Environment): string {
  const chosen = environment['SATWAY_POLICY'] ?? ''
  if (chosen !== '') {
    if (isAgentRun(environment)) throw notForAgents()
    return absolute(chosen, 'SATWAY_POLICY')
  }
  const [yaml, json] = policyNames.map((name) => join(folder, name)) as [string, string]
  return !existsSync(yaml) && existsSync(json) ? json : yaml
}

function notForAgents(): Failure {
  return new Failure('SATWAY_POLICY does not count where SATWAY_AGENT is set.', {
    exitCode: exitCodes.refused,
    advice: 'Leave it out: what may be spent is in the home, and SATWAY_HOME names another home.',
  })
}
