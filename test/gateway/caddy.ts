import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePorts } from './nginx.ts'

/** A running Caddy, in a folder of its own that goes with it. */
export type Caddy = {
  readonly port: number
  stop(): Promise<void>
}

/** How long Caddy may take to start, and to stop. */
const patienceMs = 15_000

/** No second listener, no certificates; HTTP/2 without TLS on the same port. */
const globalOptions = `{
	admin off
	auto_https off
	servers {
		protocols h1 h2c
	}
}`

/** What keeps Caddy from running here, or `undefined`: for `skipPart('caddy', caddyLack())`. */
export function caddyLack(): string | undefined {
  const found = spawnSync('caddy', ['version'])
  return found.error === undefined && found.status === 0 ? undefined : 'caddy is not installed'
}

/**
 * Runs Caddy on loopback.
 *
 * @param sites - The Caddyfile without global options, given a free port: `http://127.0.0.1:<port> {…}`.
 * @throws {Error} with what it wrote when it does not start.
 */
export async function startCaddy(sites: (port: number) => string): Promise<Caddy> {
  const [port = 0] = await freePorts(1)
  const folder = mkdtempSync(join(tmpdir(), 'satway-caddy-'))
  const file = join(folder, 'Caddyfile')
  writeFileSync(file, `${globalOptions}\n${sites(port)}`)
  const child = spawn('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], {
    cwd: folder,
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let log = ''
  child.stderr.on('data', (chunk) => {
    log = `${log}${String(chunk)}`.slice(-20_000)
  })
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs)
      await ended
      clearTimeout(timer)
    }
    rmSync(folder, { recursive: true, force: true })
  }
  const end = performance.now() + patienceMs
  while (!(await isAnswered(port))) {
    if (child.exitCode === null && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20))
      continue
    }
    await stop()
    throw new Error(`caddy does not answer\n${log}`)
  }
  return { port, stop }
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
