import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** How a tool ended. `failed`: it is not there, did not start, took too long or said too much. */
export type ToolRun =
  | {
      readonly status: 'ended'
      readonly code: number
      readonly output: string
      /** What it wrote to its error output. Not ours to print: it may quote what it was given. */
      readonly error: string
    }
  | { readonly status: 'failed' }

export type ToolCall = {
  /** Absolute. */
  readonly command: string
  readonly args: readonly string[]
  /** Written to its input, which then ends. */
  readonly input: string
  readonly environment: NodeJS.ProcessEnv
  readonly timeoutMs: number
}

const maxOutputBytes = 65_536

/** Where systems have their tools. `PATH` belongs to whoever sets the environment: not asked. */
export const toolFolders: readonly string[] = [
  '/usr/bin',
  '/bin',
  '/usr/local/bin',
  '/opt/homebrew/bin',
]

/** What such a tool needs to find its user's session. Everything else stays here: it may be secret. */
const passedOn: readonly string[] = [
  'HOME',
  'USER',
  'LOGNAME',
  'LANG',
  'TMPDIR',
  'DISPLAY',
  'WAYLAND_DISPLAY',
  'XAUTHORITY',
  'XDG_RUNTIME_DIR',
  'DBUS_SESSION_BUS_ADDRESS',
  'SystemRoot',
  'SystemDrive',
  'windir',
  'TEMP',
  'TMP',
  'USERNAME',
  'USERPROFILE',
  'USERDOMAIN',
  'APPDATA',
  'LOCALAPPDATA',
  'PSModulePath',
]

/** Runs a tool of the system, without a shell. Never rejects. */
export function runTool(call: ToolCall): Promise<ToolRun> {
  const run = new Promise<ToolRun>((resolve) => {
    const child = spawn(call.command, call.args, {
      env: environmentFor(call.environment),
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    })
    const texts = { output: '', error: '' }
    let bytes = 0
    const giveUp = (): void => {
      child.kill('SIGKILL')
      // A grandchild may hold the pipes open: they are not waited for.
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ status: 'failed' })
    }
    const timer = setTimeout(giveUp, call.timeoutMs)
    const collect = (name: 'output' | 'error') => (chunk: string) => {
      bytes += chunk.length
      if (bytes > maxOutputBytes) giveUp()
      else texts[name] += chunk
    }
    child.stdout.setEncoding('utf8').on('data', collect('output'))
    child.stderr.setEncoding('utf8').on('data', collect('error'))
    child.on('error', () => {
      clearTimeout(timer)
      resolve({ status: 'failed' })
    })
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve(code === null ? { status: 'failed' } : { status: 'ended', code, ...texts })
    })
    // A tool that ends without reading what it is given is judged by its exit.
    child.stdin.on('error', () => {})
    child.stdin.end(call.input)
  })
  // What could not even be started, because no more files or processes are to be had.
  return run.catch(() => ({ status: 'failed' }))
}

/** Looks for a tool in some folders, in their order. */
export function findTool(name: string, folders: readonly string[]): string | undefined {
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}

function environmentFor(given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const passed = passedOn.flatMap((name) =>
    given[name] === undefined ? [] : [[name, given[name]] as const],
  )
  return { ...Object.fromEntries(passed), PATH: toolFolders.join(delimiter) }
}
