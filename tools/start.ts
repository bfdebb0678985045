import { spawn, spawnSync } from 'node:child_process'

// `npm start`: build, then run the demonstration. Arguments go to it: `npm start -- --once`.
const built = spawnSync(process.execPath, ['tools/build.ts'], { stdio: 'inherit' })
if (built.status !== 0) {
  process.stderr.write('The build failed; its messages are above.\n')
  process.exit(1)
}

const demo = spawn(process.execPath, ['program/bin/satway.js', 'demo', ...process.argv.slice(2)], {
  stdio: 'inherit',
})
// Ctrl-C reaches the demonstration by itself: it ends, and this process with it.
process.on('SIGINT', () => undefined)
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => demo.kill(signal))
demo.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 1))
