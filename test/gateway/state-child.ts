// One process of a gateway, for tests that kill it. What it prints was acknowledged.
import { writeSync } from 'node:fs'
import type { State } from '../../program/src/gateway/state/index.ts'
import { lockState, openState } from '../../program/src/gateway/state/index.ts'

const [mode = '', file = '', seed = '1'] = process.argv.slice(2)
const endSeconds = 4_000_000_000

function print(line: string): void {
  writeSync(1, `${line}\n`)
}

function hashOf(number: number): string {
  return number.toString(16).padStart(64, '0')
}

async function reserve(state: State, purchase: number, max: bigint): Promise<string | undefined> {
  const key = hashOf(purchase)
  const limit = { key, lineage: key, unit: 'use', max, setBy: 'purchase', cost: 1n } as const
  const answer = await state.uses.reserve([limit], endSeconds, key)
  return 'reserved' in answer ? answer.reserved : undefined
}

/** Seeded, so that a finding can be repeated. */
function createRandom(start: number): (below: number) => number {
  let value = start | 0 || 1
  return (below) => {
    value ^= value << 13
    value ^= value >>> 17
    value ^= value << 5
    return (value >>> 0) % below
  }
}

/** Reserves, commits, releases and settles, and says before and after what it does. */
async function live(state: State): Promise<void> {
  const random = createRandom(Number(seed))
  let settlements = 0
  const one = async (): Promise<void> => {
    for (;;) {
      const purchase = random(5)
      const reserved = await reserve(state, purchase, 10n ** 9n)
      if (reserved === undefined) throw new Error('a billion uses are taken')
      if (random(3) === 0) {
        await state.uses.release(reserved)
        continue
      }
      print(`commit ${purchase}`)
      await state.uses.commit(reserved)
      print(`committed ${purchase}`)
      if (random(10) > 0) continue
      const paymentHash = hashOf(Number(seed) * 1_000_000 + ++settlements)
      const settlement = { paymentHash, amountMsat: 7n, service: 's', capability: 'c' }
      state.noteSettlement({ ...settlement, settledAtSeconds: 1000 })
      // Writes are made in their order.
      await state.uses.release((await reserve(state, 9, 10n ** 9n)) ?? '')
      if (state.transaction(paymentHash) !== undefined) print(`settled ${paymentHash}`)
    }
  }
  await Promise.all(Array.from({ length: 4 }, one))
}

/** Takes all it can get of one purchase. */
async function race(state: State): Promise<void> {
  print('ready')
  await new Promise((resolve) => process.stdin.once('data', resolve))
  let taken = 0
  const one = async (): Promise<void> => {
    for (;;) {
      const reserved = await reserve(state, 1, 1000n)
      if (reserved === undefined) return
      await state.uses.commit(reserved)
      taken++
    }
  }
  await Promise.all(Array.from({ length: 8 }, one))
  print(`taken ${taken}`)
}

/** Goes on until the disk is full, and a little longer. */
async function fill(state: State): Promise<void> {
  for (let purchase = 0, failures = 0; failures < 20; purchase++) {
    try {
      const reserved = await reserve(state, purchase, 1n)
      if (reserved === undefined) continue
      await state.uses.commit(reserved)
      print(`committed ${purchase}`)
    } catch (error) {
      failures++
      print(`failed ${(error as Error).message}`)
    }
  }
}

function becomeNobody(): void {
  if (process.getuid?.() === 0) process.setuid?.(65_534)
}

async function main(): Promise<void> {
  if (mode === 'open' || mode === 'open-as-nobody') {
    if (mode === 'open-as-nobody') becomeNobody()
    openState({ file, owner: 'nobody' }).close()
    return
  }
  if (mode === 'live') lockState(file)
  const state = openState({ file, owner: `child-${process.pid}` })
  print('open')
  if (mode === 'live') await live(state)
  if (mode === 'race') await race(state)
  if (mode === 'fill') await fill(state)
  if (mode !== 'fill') state.close()
}

await main().catch((error: unknown) => {
  print(`error ${(error as Error).name}: ${(error as Error).message}`)
  process.exitCode = 1
})
process.exit()
