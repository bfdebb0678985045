import type { ChildProcessWithoutNullStreams } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { lockState, openState } from '../../program/src/gateway/state/index.ts'
import { hashOf, takenOf, use } from './use-store-contract.ts'

const script = fileURLToPath(new URL('state-child.ts', import.meta.url))
const endSeconds = 4_000_000_000

const folder = mkdtempSync(join(tmpdir(), 'satway-crash-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const children: ChildProcessWithoutNullStreams[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

function start(mode: string, file: string, seed = 1): ChildProcessWithoutNullStreams {
  return startAs(process.execPath, [script, mode, file, String(seed)])
}

function startAs(command: string, parameters: readonly string[]): ChildProcessWithoutNullStreams {
  const child = spawn(command, [...parameters], { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => undefined)
  children.push(child)
  return child
}

/** Everything that it printed, line by line; `onLine` may end it. */
async function linesOf(
  child: ChildProcessWithoutNullStreams,
  onLine: (line: string) => void = () => undefined,
): Promise<readonly string[]> {
  const lines: string[] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    for (const line of parts) {
      lines.push(line)
      onLine(line)
    }
  })
  await once(child, 'close')
  return lines
}

describe('R-STATE-10 kill -9', () => {
  test('40 times, at any moment: what was acknowledged counts, once, and nothing else', async () => {
    const file = join(folder, 'kill.db')
    const counted = [0n, 0n, 0n, 0n, 0n]
    const settled: string[] = []
    let acknowledged = 0
    for (let kill = 1; kill <= 40; kill++) {
      const child = start('live', file, kill)
      let seen = 0
      // From the first write to hundreds: into checkpoints, transactions and the start.
      const last = (kill * 97) % 900
      const lines = await linesOf(child, () => {
        if (++seen === last + 1) child.kill('SIGKILL')
      })
      expect(lines[0]).toBe('open')

      // R-STATE-1: the lock of a process that was killed is free at once.
      const lock = lockState(file)
      const state = openState({ file, owner: 'primary' })
      state.releaseAbandoned([])
      for (const [purchase, before] of counted.entries()) {
        const begun = lines.filter((line) => line === `commit ${purchase}`).length
        const done = lines.filter((line) => line === `committed ${purchase}`).length
        const max = { ...use({ key: hashOf(purchase), lineage: hashOf(purchase) }) }
        const taken = await takenOf(state.uses, max, endSeconds, hashOf(purchase))
        expect(taken).toBeGreaterThanOrEqual(before + BigInt(done))
        expect(taken).toBeLessThanOrEqual(before + BigInt(begun))
        counted[purchase] = taken
        acknowledged += done
      }
      settled.push(
        ...lines.filter((line) => line.startsWith('settled ')).map((line) => line.slice(8)),
      )
      for (const hash of settled) expect(state.transaction(hash)?.amountMsat).toBe(7n)
      state.close()
      lock.release()
    }
    expect(acknowledged).toBeGreaterThan(2000)
    expect(settled.length).toBeGreaterThan(50)
  })
})

describe('R-STATE-11 two processes', () => {
  test('that race for a token of 1000 uses admit exactly 1000', async () => {
    const file = join(folder, 'race.db')
    const racers = [start('race', file), start('race', file)]
    let ready = 0
    const results = racers.map((child) =>
      linesOf(child, (line) => {
        if (line === 'ready') ready++
        if (line === 'ready' && ready === 2) for (const one of racers) one.stdin.write('go\n')
      }),
    )
    const taken = (await Promise.all(results)).map((lines) => Number(lines.at(-1)?.slice(6)))
    expect(taken[0]! + taken[1]!).toBe(1000)
    const state = openState({ file, owner: 'after' })
    expect(await takenOf(state.uses, use(), endSeconds, hashOf(1))).toBe(1000n)
    state.close()
  })

  test('that make one file at the same moment share it', async () => {
    const all = await Promise.all(
      Array.from({ length: 4 }, (_, i) => linesOf(start('open', join(folder, `new-${i % 2}.db`)))),
    )
    expect(all.flat().filter((line) => line.startsWith('error'))).toEqual([])
    expect(readdirSync(folder).filter((name) => name.includes('.new-'))).toEqual([])
  })
})

describe('R-STATE-12 a disk that is full', () => {
  test('admits nobody, and loses nothing of what was acknowledged', async () => {
    const file = join(folder, 'full.db')
    openState({ file, owner: 'first' }).close()
    // In blocks of 512 bytes, and for every file: the log is the first to reach it.
    const command = `ulimit -f 4000; exec "$0" "$@"`
    const child = startAs('sh', ['-c', command, process.execPath, script, 'fill', file])
    const lines = await linesOf(child)
    expect(lines.filter((line) => line.startsWith('failed')).length).toBe(20)
    const committed = lines.filter((line) => line.startsWith('committed '))
    expect(committed.length).toBeGreaterThan(50)

    const state = openState({ file, owner: 'second' })
    state.releaseAbandoned([])
    for (const line of committed) {
      const hash = hashOf(Number(line.slice(10)))
      const limit = use({ key: hash, lineage: hash })
      expect(await takenOf(state.uses, limit, endSeconds, hash)).toBe(1n)
    }
    state.close()
  })
})

test('R-STATE-12 a file that can only be read stops the start, and is left as it is', async () => {
  const file = join(folder, 'read-only.db')
  openState({ file, owner: 'first' }).close()
  if (process.getuid?.() === 0) {
    chownSync(file, 65_534, 65_534)
    chmodSync(folder, 0o755)
  }
  chmodSync(file, 0o400)
  const before = readFileSync(file)
  const lines = await linesOf(start('open-as-nobody', file))
  expect(lines.at(-1)).toMatch(/^error StateFileError: .*read-only\.db cannot be /)
  expect(readFileSync(file).equals(before)).toBe(true)
  expect(statSync(file).mode & 0o777).toBe(0o400)
})
