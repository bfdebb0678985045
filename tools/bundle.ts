import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const library = join(import.meta.dirname, '..', 'library')

/**
 * Puts the compiled library into a few files, one an entry and two that they share. Loading a
 * hundred small ones took three times as long as running them. Nothing is renamed or shortened;
 * comments are left to the declarations, and dependencies stay packages of their own.
 */
export async function bundleLibrary(): Promise<void> {
  const manifest = JSON.parse(readFileSync(join(library, 'package.json'), 'utf8')) as {
    readonly exports: Record<string, string | { readonly types: string; readonly default: string }>
  }
  const input: Record<string, string> = {}
  for (const entry of Object.values(manifest.exports)) {
    if (typeof entry === 'string') continue
    const name = entry.default.replace(/^\.\/bundle\//, '').replace(/\.js$/, '')
    input[name] = join(library, 'dist', `${name}.js`)
  }
  const folder = join(library, 'bundle')
  rmSync(folder, { recursive: true, force: true })
  const build = await rolldown({ input, external: /^(?![./\0])(?!\/)/, platform: 'neutral' })
  await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'shared/[name].js',
    comments: false,
    codeSplitting: {
      groups: [
        { name: 'protocol', test: /dist.(errors|bytes|amount|invoice|macaroon|l402)/ },
        { name: 'server', test: /dist.server/ },
      ],
    },
  })
  await build.close()
}
