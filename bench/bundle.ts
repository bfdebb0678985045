import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { rolldown } from 'rolldown'
import type { Chapter, Figure } from './figures.ts'
import { ours } from './peers.ts'

/** How much an application carries when it bundles a part of the library. */
export const bundleChapter: Chapter = {
  name: 'bundle',
  title: 'Bundle, minified and gzipped',
  async run(_pace, progress) {
    progress('2 entries')
    return [
      await figure('credential check (parse, verify, terms, authorize, key ring)', 'verifier', {
        atMost: 20_000,
      }),
      await figure('all of satway/server', 'server'),
    ]
  },
}

async function figure(what: string, entry: string, target?: Figure['target']): Promise<Figure> {
  const code = await bundle(fileURLToPath(new URL(`entries/${entry}.ts`, import.meta.url)))
  return {
    what,
    who: ours,
    value: gzipSync(code, { level: 9 }).length,
    unit: 'bytes',
    ...(target === undefined ? {} : { target }),
    note: `${Buffer.byteLength(code)} bytes before gzip`,
  }
}

/** One file for a browser: everything that the entry reaches, minified. */
async function bundle(input: string): Promise<string> {
  const build = await rolldown({ input, platform: 'browser', treeshake: true, logLevel: 'warn' })
  try {
    const { output } = await build.generate({ format: 'esm', minify: true, codeSplitting: false })
    return output[0].code
  } finally {
    await build.close()
  }
}
