import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { DoctorCheck } from '../../schema/index.ts'
import { failure, ok, warning } from './verdicts.ts'

const oldestNode = [24, 11] as const
const mebibyte = 1024 ** 2
const littleBytes = 200 * mebibyte
const tooLittleBytes = 10 * mebibyte
/** An invoice is for minutes, a token for an hour: a clock may be off by much less. */
const offSeconds = 30
const farOffSeconds = 3600
/** Before this program was written it cannot be. */
const earliestSeconds = Date.UTC(2026, 0, 1) / 1000

/** Whether this Node can run the program. */
export function checkNode(version: string = process.versions.node): DoctorCheck {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor, leastMinor] = oldestNode
  const isEnough = major > leastMajor || (major === leastMajor && minor >= leastMinor)
  if (isEnough) return ok('node', `version ${version}`)
  return failure(
    'node',
    `version ${version} is too old`,
    `Install Node ${oldestNode.join('.')} or newer.`,
  )
}

/** Whether there is room for a journal: a full disk stops payments. */
export function checkDisk(folder: string): DoctorCheck {
  const place = nearestFolder(folder)
  const { bavail, bsize } = statfsSync(place)
  const free = bavail * bsize
  const text = `${Math.floor(free / mebibyte)} MiB free for ${folder}`
  const advice = 'Make room: without it nothing can be written down, and nothing is paid.'
  if (free < tooLittleBytes) return failure('disk', text, advice)
  return free < littleBytes ? warning('disk', text, advice) : ok('disk', text)
}

/** What is known about the time besides this machine's clock. */
export type OtherClocks = {
  /** Seconds since 1970 by the wallet's server, when it answered over HTTP. */
  readonly walletSeconds: number | undefined
  /** The latest moment that the journal has seen. */
  readonly journalSeconds: number | undefined
  /** How far the clock moved, beyond the time that passed, while this program looked. */
  readonly jumpSeconds: number
}

/**
 * Whether the clock can be trusted with windows of an hour and invoices of a minute.
 *
 * @spec agent.md R-AGT-42
 */
export function checkClock(nowSeconds: number, clocks: OtherClocks): DoctorCheck {
  const { walletSeconds, journalSeconds, jumpSeconds } = clocks
  const set = 'Set the clock, or let the system set it (NTP).'
  if (nowSeconds < earliestSeconds) return failure('clock', 'says that it is years ago', set)
  if (journalSeconds !== undefined && journalSeconds > nowSeconds + offSeconds) {
    const ahead = lengthOf(journalSeconds - nowSeconds)
    return failure(
      'clock',
      `is ${ahead} behind what the journal has seen: no window of a budget moves on until then`,
      set,
    )
  }
  if (Math.abs(jumpSeconds) > 1) {
    return warning('clock', `was set by ${lengthOf(jumpSeconds)} while it was looked at`, set)
  }
  if (walletSeconds === undefined) return ok('clock', 'goes evenly; there is no other to compare')
  const off = Math.abs(nowSeconds - walletSeconds)
  const text = `differs from the wallet’s by ${lengthOf(off)}`
  if (off > farOffSeconds) return failure('clock', text, set)
  return off > offSeconds ? warning('clock', text, set) : ok('clock', text)
}

function lengthOf(seconds: number): string {
  const whole = Math.round(Math.abs(seconds))
  if (whole < 120) return `${whole} s`
  return whole < 7200 ? `${Math.round(whole / 60)} min` : `${Math.round(whole / 3600)} h`
}

function nearestFolder(folder: string): string {
  const parent = dirname(folder)
  return existsSync(folder) || parent === folder ? folder : nearestFolder(parent)
}
