import { randomBytes } from 'node:crypto'
import type { Stats } from 'node:fs'
import { constants } from 'node:fs'
import { chmod, lstat, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { cannotBeWritten } from './disk.ts'
import type { PartState } from './part-state.ts'
import { formatPartState, maxStateBytes, readPartState } from './part-state.ts'

/**
 * The beginning of a file. While it is written to it is `FILE.PID.part`, so that two processes never
 * write to one; what is left for later is `FILE.part`. Its state is beside it, with `.json` after
 * the name.
 */
export type Draft = {
  readonly path: string
  /** The file that it becomes. */
  readonly target: string
  /** How much an earlier run left in it, in bytes. */
  readonly offset: number
  /** What that run knew. */
  readonly state: PartState | undefined
}

/** In a folder where others may put links, nothing is written through one. */
const newFile =
  constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)

/** @throws {Failure} when it cannot be made. */
export async function createDraft(target: string): Promise<Draft> {
  const path = ownName(target)
  try {
    // One of this name is of a process that had our number, and is no more.
    await rm(path, { force: true })
    await (await open(path, newFile, 0o666)).close()
  } catch (error) {
    throw cannotBeWritten(target, error, 'Nothing was sent.')
  }
  return { path, target, offset: 0, state: undefined }
}

/**
 * Takes what an earlier run left of the same URL, if it can be continued. Only one process gets it.
 *
 * @param url - See {@link PartState}.
 */
export async function claimDraft(target: string, url: string): Promise<Draft | undefined> {
  for (const left of await leftOver(target)) {
    if ((await readUsable(left, url)) === undefined) continue
    const path = ownName(target)
    try {
      await rename(left, path)
      await rename(stateOf(left), stateOf(path))
    } catch {
      continue // another process was faster, or the folder cannot be written to
    }
    // Read again: it may have been replaced in between.
    const usable = await readUsable(path, url)
    if (usable !== undefined) return { path, target, ...usable }
  }
  return undefined
}

/** Leaves a draft to be continued. @returns the name that it has now. */
export async function keepDraft({ path, target }: Draft, state: PartState): Promise<string> {
  await writeState(path, state)
  const left = `${target}.part`
  const isFree = (await fileAt(left)) === undefined || (await readState(left)) !== undefined
  if (!isFree) return path // somebody's own file
  // In this order no state is ever beside the bytes of another one.
  await rm(left, { force: true })
  await rename(stateOf(path), stateOf(left))
  await rename(path, left)
  return left
}

/**
 * Makes a draft the file, and removes what earlier runs left of it.
 *
 * @param mode - Of an older file of the name.
 * @param sweeps - Whether to look for what was left by processes that were killed.
 */
export async function giveName(
  draft: Draft,
  mode: number | undefined,
  sweeps: boolean,
): Promise<void> {
  const { path, target } = draft
  if (mode !== undefined) await chmod(path, mode & 0o777)
  await rename(path, target)
  await rm(stateOf(path), { force: true })
  const lefts = sweeps ? await leftOver(target) : [`${target}.part`]
  for (const left of lefts) if (await isOurs(left)) await removeDraft({ path: left })
}

export async function removeDraft({ path }: Pick<Draft, 'path'>): Promise<void> {
  await rm(path, { force: true })
  await rm(stateOf(path), { force: true })
}

/** Whole or not at all. */
export async function writeState(path: string, state: PartState): Promise<void> {
  const draft = `${stateOf(path)}.${randomBytes(6).toString('hex')}.new`
  try {
    const file = await open(draft, newFile, 0o600)
    await file.writeFile(formatPartState(state)).finally(() => file.close())
    await rename(draft, stateOf(path))
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

function ownName(target: string): string {
  return `${target}.${process.pid}.part`
}

function stateOf(path: string): string {
  return `${path}.json`
}

/** What earlier runs left, in the order in which to look at it. */
async function leftOver(target: string): Promise<readonly string[]> {
  const folder = dirname(target)
  const name = basename(target)
  const names = await readdir(folder).catch(() => [])
  const killed = names.filter((other) => {
    if (!other.startsWith(`${name}.`)) return false
    const number = /^([1-9]\d{0,9})\.part$/.exec(other.slice(name.length + 1))?.[1]
    return number !== undefined && !isRunning(Number(number))
  })
  return [`${target}.part`, ...killed.map((other) => join(folder, other))]
}

/** Somebody's own file may have such a name, too. */
async function isOurs(path: string): Promise<boolean> {
  const there = await fileAt(path)
  if (there === undefined) return false
  return there.size === 0 || (await readState(path)) !== undefined
}

async function readUsable(
  path: string,
  url: string,
): Promise<{ readonly offset: number; readonly state: PartState } | undefined> {
  const offset = (await fileAt(path))?.size ?? 0
  const state = offset === 0 ? undefined : await readState(path)
  if (state === undefined || state.url !== url) return undefined
  if (state.size !== null && offset > state.size) return undefined
  return { offset, state }
}

async function readState(path: string): Promise<PartState | undefined> {
  const file = await fileAt(stateOf(path))
  if (file === undefined || file.size > maxStateBytes) return undefined
  const text = await readFile(stateOf(path), 'utf8').catch(() => '')
  return readPartState(text)
}

/** `undefined` also for a link: it could lead anywhere. */
async function fileAt(path: string): Promise<Stats | undefined> {
  try {
    const there = await lstat(path)
    return there.isFile() ? there : undefined
  } catch {
    return undefined
  }
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}
