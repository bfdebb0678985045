import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openWallet } from '../../library/src/lightning/wallet/index.ts'
import { until } from './until.ts'

/** `npm run regtest`, as people use it and as they end it. */
export function describeCommand(): void {
  describe('npm run regtest', () => {
    let place: string
    const running = new Set<ChildProcess>()
    beforeAll(() => {
      place = mkdtempSync(join(tmpdir(), 'satway-command-'))
    })
    afterAll(() => {
      for (const child of running) child.kill('SIGKILL')
      rmSync(place, { recursive: true, force: true })
    })
    const run = () => {
      const child = spawn(
        process.execPath,
        ['--no-warnings', join(import.meta.dirname, '../../tools/regtest.ts')],
        { env: { ...process.env, TMPDIR: place } },
      )
      running.add(child)
      let said = ''
      for (const stream of [child.stdout, child.stderr]) {
        stream.on('data', (chunk: Buffer) => {
          said += String(chunk)
        })
      }
      const saying = (text: string) => until(`"${text}"`, async () => said.includes(text))
      return { child, said: () => said, saying }
    }
    /** Nothing of it is left, neither a process nor a file. */
    const untilGone = () =>
      until('everything to go', async () => {
        const files = readdirSync(place).filter((name) => name.startsWith('satway-regtest-'))
        return files.length === 0 && processesOf(place).length === 0
      })

    test('R-REG-4 has wallets to sell and to buy with, mines, and is gone after Ctrl-C', async () => {
      const { child, said, saying } = run()
      await saying('Ctrl-C ends it.')
      const uris = [...said().matchAll(/--wallet '(lnd:[^']+)'/g)].map(([, uri = '']) => uri)
      const powers = []
      for (const uri of uris) {
        const wallet = await openWallet(uri)
        const facts = await wallet.examine()
        expect(facts.notReady).toBeUndefined()
        powers.push(facts.powers)
        wallet.close()
      }
      expect(powers).toEqual([
        { receive: true, spend: false, beyond: [] },
        { receive: false, spend: true, beyond: [] },
      ])
      child.stdin.write('many\n')
      await saying('A number from 1 to 1000, please.')
      child.stdin.write('3\n')
      await saying('Mined 3.')

      const ended = once(child, 'exit')
      child.kill('SIGINT')
      expect(await ended).toEqual([0, null])
      await untilGone()
    })

    for (const signal of ['SIGINT', 'SIGKILL'] as const) {
      test(`R-REG-4 is gone when it is ended by ${signal} while it starts`, async () => {
        const { child, saying } = run()
        await saying('Mining, funding')
        const ended = once(child, 'exit')
        child.kill(signal)
        expect(await ended).not.toEqual([0, null])
        await untilGone()
      })
    }
  })
}

/** Processes that name a folder in their command line, where the system tells; else none. */
export function processesOf(folder: string): readonly string[] {
  if (!existsSync('/proc/self/cmdline')) return []
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) return false
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)
    } catch {
      return false // it has just ended
    }
  })
}
