import { spawnSync } from 'node:child_process'

// Compiles both packages. Plain `tsc`: what is published is what was written, minus the types.
const done = spawnSync('tsc', ['--build', 'library', 'program'], { stdio: 'inherit' })
process.exit(done.status ?? 1)
