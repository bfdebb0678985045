import { readFileSync } from 'node:fs'
import { run } from './cli/run.ts'

const { version } = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as { readonly version: string }

const [first, ...rest] = process.argv.slice(2)
// The shortest answer first: scripts ask for it often.
if ((first === '--version' || first === '-V') && rest.length === 0) {
  process.stdout.write(`${version}\n`)
} else {
  process.exitCode = await run(process.argv.slice(2), version)
}
