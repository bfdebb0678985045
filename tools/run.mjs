// Installs what is missing and runs a script under the project's own Node.
//
//   node tools/run.mjs SCRIPT [arguments]
//
// Plain JavaScript for Node 20, because this is the one file that the Node of the machine runs.
// Everything after it runs on the Node that the lockfile brings (optional dependency `node-*`).
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = resolve(fileURLToPath(import.meta.url), '../..')
const bin = join(root, 'node_modules', '.bin')
const stamp = join(root, 'node_modules', '.installed-from')

const manifests = [
  'package.json',
  'package-lock.json',
  'library/package.json',
  'program/package.json',
]
const wanted = createHash('sha256')
for (const file of manifests) wanted.update(readFileSync(join(root, file)))
const digest = wanted.digest('hex')

if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== digest) {
  process.stderr.write('Installing packages (first run, about a minute) ...\n')
  const started = Date.now()
  run('npm', ['ci', '--no-progress', '--loglevel=error'], 'ignore')
  writeFileSync(stamp, digest)
  process.stderr.write(`Installed in ${Math.round((Date.now() - started) / 1000)} s.\n`)
}

const env = { ...process.env, PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}` }
const own = join(bin, process.platform === 'win32' ? 'node.cmd' : 'node')
const node = existsSync(own) ? own : process.execPath
if (node === process.execPath && Number(process.versions.node.split('.')[0]) < 24) {
  process.stderr.write(
    `Satway needs Node 24.11 or newer; this is ${process.version}, and no packaged Node exists for ` +
      `${process.platform} ${process.arch}. Install Node 24 and run the command again.\n`,
  )
  process.exit(1)
}

const child = spawn(node, process.argv.slice(2), {
  stdio: 'inherit',
  env,
  cwd: root,
  shell: process.platform === 'win32',
})
child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1))
// Ctrl-C reaches the child by itself; this process stays until the child has ended.
process.on('SIGINT', () => {})
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
// npm runs this under a shell that passes no signal on: when that is gone, so is the user.
const parent = process.ppid
setInterval(() => process.ppid === parent || child.kill('SIGTERM'), 500).unref()

function run(command, args, stdin) {
  const done = spawnSync(command, args, {
    stdio: [stdin, 2, 2],
    cwd: root,
    shell: process.platform === 'win32',
  })
  if (done.status === 0) return
  process.stderr.write(`\`${command} ${args.join(' ')}\` failed; its messages are above.\n`)
  process.exit(done.status ?? 1)
}
