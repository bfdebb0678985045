import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root: string = resolve(dirname(fileURLToPath(import.meta.url)), '../..')
const program = join(root, 'program/bin/satway.js')

if (!existsSync(join(root, 'program/bundle/main.js'))) {
  throw new Error('These tests run the built program: `npm run build` first.')
}

export type Ended = {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}
export type RunOptions = {
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A home of its own for each test file: nothing is read from or left in the user's. */
export function makeHome(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'satway-e2e-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

/** A port that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

/** Runs `satway` to its end. */
export async function satway(
  home: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ended> {
  return await ended(start(home, process.execPath, [program, ...args], options), options.input)
}

/** Runs one line of shell, as a user would paste it. */
export async function shell(home: string, line: string, options: RunOptions = {}): Promise<Ended> {
  return await ended(start(home, 'bash', ['-c', line], options), options.input)
}

/** A run of the program that has not ended. */
export type Running = {
  readonly child: ChildProcess
  /** All that it has written so far. */
  stdout(): string
  stderr(): string
  /** Waits until its output matches. */
  waitFor(pattern: RegExp): Promise<RegExpExecArray>
  ended(): Promise<Ended>
  stop(signal?: NodeJS.Signals): Promise<Ended>
}

/** Starts `satway`, with nothing on its standard input. */
export function startSatway(
  home: string,
  args: readonly string[],
  options: RunOptions = {},
): Running {
  const child = start(home, process.execPath, [program, ...args], options)
  const output = collect(child)
  child.stdin?.end()
  const exited = once(child, 'close')
  const ended = async (): Promise<Ended> => {
    await exited
    return { code: child.exitCode, ...output }
  }
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    waitFor: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const match = pattern.exec(output.stdout)
          if (match !== null) resolve(match)
        }
        child.stdout?.on('data', look)
        child.once('close', () =>
          reject(new Error(`ended without ${pattern}:\n${output.stdout}${output.stderr}`)),
        )
        look()
      }),
    ended,
    stop: (signal = 'SIGINT') => {
      child.kill(signal)
      return ended()
    },
  }
}

/** What a developer may have set for himself: colours, settings of the program, a keychain. */
const foreign =
  /^(?:NO_COLOR|FORCE_COLOR|npm_execpath|DBUS_SESSION_BUS_ADDRESS|XDG_RUNTIME_DIR|SATWAY_.*)$/

function start(
  home: string,
  command: string,
  args: readonly string[],
  options: RunOptions,
): ChildProcess {
  const rest = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !foreign.test(name)),
  )
  return spawn(command, args, {
    cwd: options.cwd ?? root,
    stdio: 'pipe',
    env: {
      ...rest,
      HOME: home,
      PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH'] ?? ''}`,
      ...options.env,
    },
  })
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      output[name] += text
    })
  }
  return output
}

async function ended(child: ChildProcess, input: string | undefined): Promise<Ended> {
  const output = collect(child)
  // A program that ends without reading its input breaks the pipe. That is its business.
  child.stdin?.on('error', () => undefined)
  child.stdin?.end(input)
  await once(child, 'close')
  return { code: child.exitCode, ...output }
}
