import { rmSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { Failure } from '../cli/failure.ts'
import { createPrivateFile, readSecretFile } from './private-file.ts'

/** How long a command waits for another that changes the same file. */
const defaultPatienceMs = 10_000
const pauseMs = 20

/**
 * Runs `act` while no other process does so for the same file: `FILE.lock` names who does.
 *
 * The lock of a process that was killed is taken over.
 *
 * @throws {Failure} when another holds the lock for longer than `patienceMs`.
 */
export async function withFileLock<T>(
  file: string,
  act: () => T,
  patienceMs: number = defaultPatienceMs,
): Promise<T> {
  const lock = `${file}.lock`
  const givesUpAt = performance.now() + patienceMs
  while (!createPrivateFile(lock, `${process.pid}\n`)) {
    removeStale(lock)
    if (performance.now() >= givesUpAt) throw held(file, lock)
    await pause(pauseMs)
  }
  try {
    return act()
  } finally {
    rmSync(lock, { force: true })
  }
}

/**
 * Two that find the same stale lock must not both remove it: the second would remove the lock that
 * was made in between. So removing is itself under a lock, and looks again.
 */
function removeStale(lock: string): void {
  if (!isStale(lock)) return
  const removing = `${lock}.stale`
  if (!createPrivateFile(removing, `${process.pid}\n`)) return
  try {
    if (isStale(lock)) rmSync(lock, { force: true })
  } finally {
    rmSync(removing, { force: true })
  }
}

function isStale(lock: string): boolean {
  const holder = holderOf(lock)
  return holder !== undefined && !isRunning(holder)
}

/** `undefined` when the lock is gone, or says nothing that can be read. */
function holderOf(lock: string): number | undefined {
  const text = readSecretFile(lock, 64)?.bytes.toString('latin1').trim() ?? ''
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined
}

function isRunning(processId: number): boolean {
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    // It may be somebody else's, who may not be asked.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

function held(file: string, lock: string): Failure {
  const holder = holderOf(lock)
  const who = holder === undefined ? 'Another process' : `Process ${holder}`
  return new Failure(`${who} is changing ${file}.`, {
    advice: `Try again when it has ended. If it is no \`satway\`, remove ${lock}`,
  })
}
