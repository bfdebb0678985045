import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { rolldown } from 'rolldown'

const root = join(import.meta.dirname, '..')
const library = join(root, 'library')

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

/**
 * Puts the compiled program into files that load quickly: one an own command, and what they have in
 * common, the library included. Everything else that it depends on stays a package of its own.
 */
export async function bundleProgram(): Promise<void> {
  const folder = join(root, 'program', 'bundle')
  rmSync(folder, { recursive: true, force: true })
  const build = await rolldown({
    input: { main: join(root, 'program', 'dist', 'main.js') },
    external: (id) => !/^[./\0]/.test(id) && !/^(satway|@noble)(\/|$)/.test(id),
    platform: 'node',
  })
  await build.write({
    dir: folder,
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: ({ name }) => `part/${name.split('~')[0]}-[hash].js`,
    comments: false,
    codeSplitting: {
      // What `satway get` needs, whatever it does: each file more costs it a part of a millisecond.
      groups: [
        {
          name: 'protocol',
          test: /bundle.shared.protocol|node_modules.@noble.(?!ciphers.(?:aes|chacha|_poly))/,
        },
        {
          name: 'buying',
          test: /bundle.(client|journal|transport)|dist.(agent|get|cli)./,
          entriesAware: true,
        },
      ],
    },
  })
  await build.close()
}
