import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Running } from './machine.ts'
import { freePort, loadCpu, start, subjectCpu, versionOf } from './machine.ts'

/** Something that forwards to the upstream, on the processor of the subjects. */
export type Forwarder = {
  readonly name: string
  readonly who: string
  readonly port: number
  readonly headers: Readonly<Record<string, string>>
  readonly running: Running
}

/** What one run needs: a folder, an upstream on the processor of the load, and how to stop. */
export type Stage = {
  readonly folder: string
  readonly upstreamPort: number
  /** Stops this when the run ends. */
  keep(running: Running): Running
  close(): Promise<void>
}

export const smallBody = 'x'.repeat(512)

export async function openStage(): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), 'satway-bench-'))
  const all: Running[] = []
  const keep = (running: Running): Running => {
    all.unshift(running)
    return running
  }
  const upstreamPort = await freePort()
  mkdirSync(join(folder, 'www'))
  writeFileSync(join(folder, 'www', 'large'), Buffer.alloc(1024 * 1024, 'y'))
  const config = writeNginx(folder, 'upstream', upstreamPort, [
    `location = /small { default_type application/json; return 200 '${smallBody}'; }`,
    `location = /large { root ${join(folder, 'www')}; default_type application/octet-stream; }`,
  ])
  keep(await start(loadCpu, ['nginx', '-c', config], upstreamPort))
  return {
    folder,
    upstreamPort,
    keep,
    async close() {
      for (const running of all) await running.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export async function startNginx(stage: Stage): Promise<Forwarder> {
  const port = await freePort()
  const config = writeNginx(
    stage.folder,
    'nginx',
    port,
    [
      'location / { proxy_pass http://up; proxy_http_version 1.1; proxy_set_header Connection ""; }',
    ],
    `upstream up { server 127.0.0.1:${stage.upstreamPort}; keepalive 256; keepalive_requests 1000000; }`,
  )
  const running = stage.keep(await start(subjectCpu, ['nginx', '-c', config], port))
  const who = `nginx ${versionOf('nginx', ['-v'])}`
  return { name: 'nginx', who, port, headers: {}, running }
}

export async function startHaproxy(stage: Stage): Promise<Forwarder | undefined> {
  const version = versionOf('haproxy', ['-v'])
  if (version === undefined) return undefined
  const port = await freePort()
  const config = join(stage.folder, 'haproxy.cfg')
  writeFileSync(
    config,
    `global
  nbthread 1
  maxconn 8000
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend in
  bind 127.0.0.1:${port}
  default_backend up
backend up
  server up 127.0.0.1:${stage.upstreamPort}
`,
  )
  const running = stage.keep(await start(subjectCpu, ['haproxy', '-f', config], port))
  return { name: 'haproxy', who: `haproxy ${version}`, port, headers: {}, running }
}

/** `undefined` where there is no Go. */
export async function startGo(stage: Stage): Promise<Forwarder | undefined> {
  const version = versionOf('go', ['version'])
  if (version === undefined) return undefined
  const binary = join(stage.folder, 'go-proxy')
  const cwd = fileURLToPath(new URL('go-proxy/', import.meta.url))
  const built = spawnSync('go', ['build', '-o', binary, '.'], { cwd, stdio: 'inherit' })
  if (built.status !== 0) throw new Error('the Go proxy does not build')
  const port = await freePort()
  const upstream = `http://127.0.0.1:${stage.upstreamPort}`
  const command = [binary, `127.0.0.1:${port}`, upstream]
  const running = stage.keep(await start(subjectCpu, command, port, { GOMAXPROCS: '1' }))
  return { name: 'go', who: `httputil.ReverseProxy, Go ${version}`, port, headers: {}, running }
}

export async function startMiddleware(stage: Stage): Promise<Forwarder> {
  const port = await freePort()
  const script = fileURLToPath(new URL('middleware-proxy.ts', import.meta.url))
  const command = [process.execPath, script, String(port), String(stage.upstreamPort)]
  const running = stage.keep(await start(subjectCpu, command, port, { NODE_ENV: 'production' }))
  const version = manifestVersion('http-proxy-middleware')
  return { name: 'middleware', who: `http-proxy-middleware ${version}`, port, headers: {}, running }
}

export function manifestVersion(name: string): string {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const file = join(root, 'node_modules', name, 'package.json')
  return String(
    (process.getBuiltinModule('module').createRequire(file)(file) as { version: string }).version,
  )
}

function writeNginx(
  folder: string,
  name: string,
  port: number,
  locations: readonly string[],
  http = '',
): string {
  const file = join(folder, `${name}.conf`)
  const own = join(folder, name)
  mkdirSync(own)
  writeFileSync(
    file,
    // As root its workers would be somebody who may not read the folder.
    `${process.getuid?.() === 0 ? 'user root;\n' : ''}daemon off;
worker_processes 1;
pid ${own}/pid;
error_log stderr crit;
events { worker_connections 16384; }
http {
  access_log off;
  keepalive_requests 1000000000;
  sendfile on;
  tcp_nodelay on;
  client_body_temp_path ${own}/body;
  proxy_temp_path ${own}/proxy;
  fastcgi_temp_path ${own}/fastcgi;
  uwsgi_temp_path ${own}/uwsgi;
  scgi_temp_path ${own}/scgi;
  ${http}
  server {
    listen 127.0.0.1:${port} backlog=8192;
    ${locations.join('\n    ')}
  }
}
`,
  )
  return file
}
