import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { rolldown } from 'rolldown'
import type { ChildNews, ChildOrder } from './child.ts'

const quiet = '--disable-warning=ExperimentalWarning'

export type StartChild = (order: ChildOrder, options?: ChildOptions) => Child

export type Child = {
  readonly process: ChildProcess
  readonly news: readonly ChildNews[]
  /** Resolves when the child has told that, and rejects when it ended before. */
  heard(what: string): Promise<ChildNews>
  /** Resolves when it has ended and everything it told was read. */
  readonly ended: Promise<{ readonly code: number | null; readonly errors: string }>
}

export type ChildOptions = {
  /** Of each file, in KiB. */
  readonly maxFileKib?: number
  readonly uid?: number
}

/** Puts the child and the library into one file of that folder, which starts quickly. */
export async function buildChild(folder: string): Promise<StartChild> {
  const build = await rolldown({ input: join(import.meta.dirname, 'child.ts'), platform: 'node' })
  const file = join(folder, 'child.mjs')
  await build.write({ file, format: 'esm', codeSplitting: false })
  await build.close()
  return (order, options = {}) => startChild(file, order, options)
}

function startChild(script: string, order: ChildOrder, { maxFileKib, uid }: ChildOptions): Child {
  const argv = [process.execPath, quiet, script, JSON.stringify(order)]
  const [command = '', ...args] =
    maxFileKib === undefined
      ? argv
      : ['bash', '-c', `ulimit -f ${maxFileKib}; exec "$@"`, '-', ...argv]
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  const news: ChildNews[] = []
  const listeners = new Set<() => void>()
  let rest = ''
  child.stdout.on('data', (chunk: Buffer) => {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) news.push(JSON.parse(line) as ChildNews)
    for (const listener of listeners) listener()
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += String(chunk)
  })
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, errors }))
  const heard = (what: string): Promise<ChildNews> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        const one = news.find((item) => item.what === what)
        if (one === undefined) return
        listeners.delete(look)
        resolve(one)
      }
      listeners.add(look)
      look()
      void ended.then(() => reject(new Error(`it ended before "${what}": ${errors}`)))
    })
  return { process: child, news, heard, ended }
}
