import { spawnSync } from 'node:child_process'
import { bundleLibrary, bundleProgram } from './bundle.ts'

// Compiles both packages, and puts the code of each into a few files.
const compiled = spawnSync('tsc', ['--build', 'library', 'program'], { stdio: 'inherit' })
if (compiled.status !== 0) process.exit(compiled.status ?? 1)
await bundleLibrary()
await bundleProgram()
