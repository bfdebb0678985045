import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A running nginx: one worker, in a folder of its own that goes with it. */
export type Nginx = {
  /** The first of {@link ports}. */
  readonly port: number
  /** What the configuration was given, in order. */
  readonly ports: readonly number[]
  /** What is in the error log so far. */
  errors(): string
  stop(): Promise<void>
}

export type NginxOptions = {
  /** How many free ports the configuration listens on. Default 1. */
  readonly ports?: number
  /** Of the error log: `warn` by default, `debug` for everything. */
  readonly logLevel?: 'debug' | 'info' | 'notice' | 'warn' | 'error'
  /** Files that the configuration reads from its folder, by name. */
  readonly files?: Readonly<Record<string, string>>
}

/** How long nginx may take to start, and to stop. */
const patienceMs = 15_000

/** What keeps nginx from running here, or `undefined`: for `skipPart('nginx', nginxLack())`. */
export function nginxLack(): string | undefined {
  const found = spawnSync('nginx', ['-v'])
  return found.error === undefined && found.status === 0 ? undefined : 'nginx is not installed'
}

/**
 * Runs nginx on loopback.
 *
 * @param http - What stands inside `http { … }`, given free ports. It listens on
 *   `127.0.0.1:<port>`; temporary paths, logs and the process are set around it.
 * @throws {Error} with the error log when it does not start.
 */
export async function startNginx(
  http: (...ports: readonly number[]) => string,
  options: NginxOptions = {},
): Promise<Nginx> {
  // Another process can take a port between finding it free and listening on it.
  for (let attempt = 0; ; attempt++) {
    const ports = await freePorts(options.ports ?? 1)
    try {
      return await start(http(...ports), ports, options)
    } catch (error) {
      if (attempt === 4 || !String(error).includes('Address already in use')) throw error
    }
  }
}

/** Ports that nobody listens on now, each another. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = Array.from({ length: count }, () => createServer())
  for (const server of servers) {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  }
  const ports = servers.map((server) => (server.address() as AddressInfo).port)
  for (const server of servers) await new Promise((resolve) => server.close(resolve))
  return ports
}

async function start(
  http: string,
  ports: readonly number[],
  options: NginxOptions,
): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'satway-nginx-'))
  const log = join(folder, 'error.log')
  const { logLevel = 'warn', files = {} } = options
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(join(folder, name), text, { mode: 0o600 })
  }
  writeFileSync(join(folder, 'nginx.conf'), around(http, folder, logLevel))
  // `-e` too: before it has read its configuration, nginx logs where it was built to.
  const child = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder, '-e', log], {
    stdio: 'ignore',
  })
  const errors = (): string => readLog(log)
  const stop = async (): Promise<void> => {
    await end(child)
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    await listening(child, folder, ports)
  } catch (error) {
    const log = errors()
    await stop()
    throw new Error(`nginx: ${String(error)}\n${log}`)
  }
  return { port: ports[0]!, ports, errors, stop }
}

/** Stays in the foreground, so that its process is known, and writes nowhere but in its folder. */
function around(http: string, folder: string, logLevel: string): string {
  // Started by root, the worker would be another user, who may not read the folder.
  const user = process.getuid?.() === 0 ? 'user root;' : ''
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((name) => `${name}_temp_path ${join(folder, name)};`)
    .join('\n')
  return `
daemon off;
${user}
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log ${join(folder, 'error.log')} ${logLevel};
events { worker_connections 1024; }
http {
access_log off;
${temporary}
${http}
}
`
}

/** Resolves when nginx answers on all ports; rejects when it ends first. */
async function listening(
  child: ChildProcess,
  folder: string,
  ports: readonly number[],
): Promise<void> {
  const end = performance.now() + patienceMs
  const wait = async (until: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await until())) {
      if (child.exitCode !== null) throw new Error(`ended with ${child.exitCode}`)
      if (performance.now() > end) throw new Error('it does not answer')
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  // The file is written once all ports are nginx's own: somebody else may answer on them before.
  await wait(() => existsSync(join(folder, 'nginx.pid')))
  for (const port of ports) await wait(() => isAnswered(port))
}

function isAnswered(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    const answer = (is: boolean) => (): void => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', answer(true))
    socket.once('error', answer(false))
  })
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
  await ended
  clearTimeout(timer)
}

function readLog(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
