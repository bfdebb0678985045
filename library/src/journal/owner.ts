import { readFileSync, readlinkSync } from 'node:fs'
import { systemCode } from './unusable.ts'

/**
 * Names this process so that another one can tell when it is gone: start of the machine, namespace
 * of process ids, process id and its start. Where the system does not tell these, the process id.
 */
export function ownOwner(): string {
  if (process.platform !== 'linux') return `-/-/${process.pid}/-`
  return `${machineStart()}/${namespace()}/${process.pid}/${startOf(process.pid)?.start ?? '-'}`
}

/**
 * Whether the process of that name is certainly no more. A process that cannot be seen from here,
 * such as one in another container, is not certainly gone; nor is a name that cannot be read.
 */
export function isGone(owner: string): boolean {
  const [machine, space, pidText, start, ...more] = owner.split('/')
  const pid = Number(pidText)
  if (more.length > 0 || !Number.isSafeInteger(pid) || pid <= 0) return false
  if (machine === '-') return isNoProcess(pid)
  if (process.platform !== 'linux') return false
  const own = machineStart()
  if (own === '-' || machine === undefined) return false
  // The machine was started anew since then.
  if (machine !== own) return true
  if (space !== namespace() || space === '-') return false
  if (isNoProcess(pid)) return true
  const now = startOf(pid)
  if (now === undefined || start === undefined || start === '-') return false
  return now.start !== start || now.isDead
}

function isNoProcess(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return systemCode(error) === 'ESRCH'
  }
}

/** Field 22 of `/proc/<pid>/stat`, and whether field 3 says that nothing of it runs any more. */
function startOf(pid: number): { readonly start: string; readonly isDead: boolean } | undefined {
  const text = readQuietly(`/proc/${pid}/stat`)
  // The name of the program comes before, in parentheses, and may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const [state = ''] = fields
  const start = fields[19]
  if (start === undefined || !/^\d+$/.test(start)) return undefined
  return { start, isDead: /^[ZXx]$/.test(state) }
}

function machineStart(): string {
  const id = readQuietly('/proc/sys/kernel/random/boot_id').trim()
  return /^[0-9a-f-]{36}$/.test(id) ? id : '-'
}

function namespace(): string {
  try {
    return /^pid:\[(\d+)\]$/.exec(readlinkSync('/proc/self/ns/pid'))?.[1] ?? '-'
  } catch {
    return '-'
  }
}

function readQuietly(file: string): string {
  try {
    return readFileSync(file, 'latin1')
  } catch {
    return ''
  }
}
