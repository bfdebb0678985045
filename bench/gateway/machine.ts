import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'

/** What is compared runs on this processor, load and upstream on the other one. */
export const subjectCpu = 0
export const loadCpu = 1

/** The version that a program tells, or `undefined` when it is not on this machine. */
export function versionOf(command: string, args: readonly string[]): string | undefined {
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  // `wrk -v` ends with 1 after it has said what it is.
  if (status === null) return undefined
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout}${stderr}`)?.[0]
}

/** A process that was started here and is ended here, with all that it started. */
export type Running = {
  readonly pid: number
  stop(): Promise<void>
}

/** Starts a program on one processor and waits until its port answers. */
export async function start(
  cpu: number,
  command: readonly string[],
  port: number,
  env: NodeJS.ProcessEnv = {},
): Promise<Running> {
  const child = spawn('taskset', ['--cpu-list', String(cpu), ...command], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, NODE_ENV: 'development', ...env },
  })
  let said = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-2000)
  })
  await untilItAnswers(child, port, () => said)
  return {
    pid: child.pid!,
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exit = once(child, 'exit')
      child.kill()
      await exit
    },
  }
}

async function untilItAnswers(
  child: ChildProcess,
  port: number,
  said: () => string,
): Promise<void> {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error(`a process of the benchmark ended: ${said()}`)
    if (await answers(port)) return
    await pause(25)
  }
  child.kill()
  throw new Error(`nothing listens on port ${port}: ${said()}`)
}

/** Whether something accepts connections on a port of the loopback address. */
export function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

export async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  const closed = once(server, 'close')
  server.close()
  await closed
  return address.port
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

/** What a process and its children have used so far. */
export type Usage = { readonly cpuMs: number; readonly rssMiB: number }

const ticksPerSecond = 100

export function usageOf(pid: number): Usage {
  let ticks = 0
  let rssKiB = 0
  for (const one of familyOf(pid)) {
    const stat = readFileSync(`/proc/${one}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    ticks += Number(fields[11]) + Number(fields[12])
    const status = readFileSync(`/proc/${one}/status`, 'utf8')
    rssKiB += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0)
  }
  return { cpuMs: (ticks * 1000) / ticksPerSecond, rssMiB: rssKiB / 1024 }
}

function familyOf(pid: number): readonly number[] {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const parents = new Map<number, number>()
  for (const name of all) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {}
  }
  const family = [pid]
  for (const member of family) {
    for (const [child, parent] of parents) if (parent === member) family.push(child)
  }
  return family
}
