import { join } from 'node:path'
import { rolldown } from 'rolldown'

/**
 * Puts the buyer and the library's sources into one file that starts quickly, with the crash points
 * in it.
 *
 * @returns The file.
 */
export async function buildBuyer(folder: string): Promise<string> {
  const build = await rolldown({
    input: join(import.meta.dirname, 'buyer.ts'),
    platform: 'node',
    plugins: [
      {
        name: 'keep-crash-points',
        // The mark by which a published build drops the calls.
        transform: (code, id) =>
          id.endsWith('/crash-point.ts') ? code.replace('@__NO_SIDE_EFFECTS__', '') : undefined,
      },
    ],
  })
  const file = join(folder, 'buyer.mjs')
  await build.write({ file, format: 'esm', codeSplitting: false })
  await build.close()
  return file
}
