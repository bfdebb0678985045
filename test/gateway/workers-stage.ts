/** Starts a real primary with real workers for workers.test.ts. */
import type { ChildProcess } from 'node:child_process'
import { fork } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { get } from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

/** Generous: the machine may be loaded. */
const patienceMs = 30_000

export type StageOptions = {
  readonly workers?: number
  readonly config?: object
  readonly drainMs?: number
  readonly startMs?: number
  readonly pingMs?: number
}

export type Stage = {
  readonly port: number
  readonly primary: ChildProcess
  /** What the primary and its workers wrote to standard error. */
  errors(): string
  config(more: object): string
  call(name: string, text?: string): Promise<unknown>
  /** One request on a connection of its own. */
  get(path: string): Promise<Answer>
  /** Who each worker is, by its name. Asks until all were met. */
  everyone(): Promise<Map<string, Who>>
  /** Resolves with the exit code, or the signal, when the primary is no more. */
  readonly exited: Promise<number | string>
  close(): Promise<void>
}

export type Answer = { readonly status: number; readonly body: string }
export type Who = {
  readonly name: string
  readonly pid: number
  readonly owner: string
  readonly config: string
}

/** @throws {Error} when the primary ends before its workers serve; the stage says what it wrote. */
export async function startStage(options: StageOptions = {}): Promise<Stage> {
  const stage = await launch(options)
  const outcome = await Promise.race([stage.isReady, stage.exited])
  if (outcome !== true) throw new Error(`exit ${outcome}: ${stage.errors()}`)
  return stage
}

/** Starts a primary without waiting for it. */
export async function launch(
  options: StageOptions,
): Promise<Stage & { readonly isReady: Promise<true> }> {
  const port = await freePort()
  const config = (more: object): string => JSON.stringify({ port, text: 'first', ...more })
  const argument = { workers: 2, ...options, config: config(options.config ?? {}) }
  const primary = fork(
    fileURLToPath(new URL('./workers-primary.ts', import.meta.url)),
    [JSON.stringify(argument)],
    { execArgv: [], silent: true },
  )
  let errors = ''
  primary.stderr?.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const exited = new Promise<number | string>((resolve) => {
    primary.once('exit', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let lastId = 0
  const isReady = new Promise<true>((resolve) => {
    primary.on('message', (message: Record<string, unknown>) => {
      if (message['ready'] === true) return resolve(true)
      const call = waiting.get(message['id'] as number)
      if (typeof message['error'] === 'string') call?.reject(new Error(message['error']))
      else call?.resolve(message['value'])
    })
  })

  const stage: Stage & { readonly isReady: Promise<true> } = {
    port,
    primary,
    isReady,
    exited,
    config,
    errors: () => errors,
    call: (name, text = '') => {
      lastId += 1
      const id = lastId
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject })
        primary.send({ id, call: name, text })
      })
    },
    get: (path) => ask(port, path),
    everyone: async () => {
      const met = new Map<string, Who>()
      await until(async () => {
        const answers = await Promise.all([ask(port, '/who'), ask(port, '/who'), ask(port, '/who')])
        for (const { body } of answers) {
          const who = JSON.parse(body) as Who
          met.set(who.name, who)
        }
        return met.size >= argument.workers
      })
      return met
    },
    close: async () => {
      if (primary.exitCode === null && primary.signalCode === null) primary.kill('SIGKILL')
      await exited
      await until(() => isFree(port))
    },
  }
  return stage
}

export function ask(port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = get({ host: '127.0.0.1', port, path, agent: false }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => {
        body += chunk.toString()
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }))
      response.on('error', reject)
    })
    request.on('error', reject)
  })
}

/** Asks again and again until it is so. */
export async function until(isSo: () => Promise<boolean>): Promise<void> {
  const startedAt = performance.now()
  while (!(await isSo().catch(() => false))) {
    if (performance.now() - startedAt > patienceMs) throw new Error('it did not come to pass')
    await sleep(20)
  }
}

export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}

/** Whether a process runs. One that ended and waits for its parent to notice does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
