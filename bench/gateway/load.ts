import { spawn } from 'node:child_process'
import { loadCpu } from './machine.ts'

export type Load = {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly connections: number
  readonly seconds: number
  /** A status that is expected, where it is not 2xx. */
  readonly expectsRefusal?: boolean
}

export type LoadReport = {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly requests: number
}

/**
 * Asks as often as the server answers, with `wrk` on the processor of the load.
 *
 * @throws {Error} when an answer had another status than expected: the figure would be of something
 *   else.
 */
export async function runWrk(load: Load): Promise<LoadReport> {
  const headers = Object.entries(load.headers ?? {}).flatMap(([name, value]) => [
    '-H',
    `${name}: ${value}`,
  ])
  const output = await run([
    'wrk',
    '--threads=1',
    `--connections=${load.connections}`,
    `--duration=${load.seconds}s`,
    '--latency',
    ...headers,
    load.url,
  ])
  const perSecond = Number(/Requests\/sec:\s+([\d.]+)/.exec(output)?.[1])
  const requests = Number(/(\d+) requests in/.exec(output)?.[1])
  const failed = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0)
  const broken = /Socket errors: (.*)/.exec(output)?.[1]
  const wrong = load.expectsRefusal === true ? requests - failed : failed
  if (!(requests > 0) || wrong > 0 || broken !== undefined) {
    throw new Error(`${load.url}: ${wrong} of ${requests} answers had the wrong status; ${broken}`)
  }
  return {
    perSecond,
    requests,
    p50Ms: milliseconds(/50%\s+([\d.]+)(us|ms|s)/.exec(output)),
    p99Ms: milliseconds(/99%\s+([\d.]+)(us|ms|s)/.exec(output)),
  }
}

function milliseconds(match: RegExpExecArray | null): number {
  const value = Number(match?.[1])
  const unit = match?.[2]
  return unit === 'us' ? value / 1000 : unit === 's' ? value * 1000 : value
}

function run(command: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn('taskset', ['--cpu-list', String(loadCpu), ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    child.stderr.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
    })
    child.once('error', reject)
    child.once('exit', () => resolve(output))
  })
}
