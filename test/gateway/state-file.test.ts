import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterAll, describe, expect, test } from 'vitest'
import type { CostedLimit } from '../../library/src/server/index.ts'
import type { State } from '../../program/src/gateway/state/index.ts'
import { lockState, openState, StateFileError } from '../../program/src/gateway/state/index.ts'
import { branch, hashOf, reservedIn, takenOf, use } from './use-store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'satway-file-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let files = 0
const newFile = (): string => join(folder, `${++files}.db`)
const end = 4_000_000_000

function refusalOf(file: string): StateFileError {
  try {
    openState({ file, owner: 'one' }).close()
  } catch (error) {
    if (error instanceof StateFileError) return error
    throw error
  }
  throw new Error('it was opened')
}

const purchases = 60
const settlement = { amountMsat: 1000n, settledAtSeconds: 1_800_000_000, service: 's' }

/** Purchase i took i uses; each has a payment, a denial and a service. */
async function furnish(state: State): Promise<void> {
  for (let i = 1; i <= purchases; i++) {
    const own = use({ key: hashOf(i), lineage: hashOf(i), max: 1000n, cost: BigInt(i) })
    const limits = [own, branch(i, { max: 1000n })]
    await state.uses.commit(reservedIn(await state.uses.reserve(limits, end, hashOf(i))))
    state.noteSettlement({ ...settlement, paymentHash: hashOf(i), capability: `c-${i}` })
    state.deny(hashOf(1000 + i), 'stolen')
    state.putService(`service-${i}`, JSON.stringify({ name: `service-${i}`, price: `${i} sat` }))
  }
}

/** Copies a state file as it lies there, with its log. */
function copyState(from: string, to: string): void {
  for (const part of ['', '-wal', '-shm']) {
    if (existsSync(from + part)) copyFileSync(from + part, to + part)
  }
}

describe('R-STATE-1 the lock', () => {
  test('is for one gateway, names the file, and is free when it was released', () => {
    const file = newFile()
    const lock = lockState(file)
    expect(() => lockState(file)).toThrow(StateFileError)
    expect(() => lockState(file)).toThrow(`${file} is in use by another gateway`)
    lockState(newFile()).release()
    lock.release()
    lock.release()
    lockState(file).release()
  })

  test('leaves the file to the workers of its gateway', () => {
    const file = newFile()
    const lock = lockState(file)
    openState({ file, owner: 'worker' }).close()
    lock.release()
    expect(statSync(`${file}.lock`).mode & 0o777).toBe(0o600)
  })

  test('is one for all names of a file', () => {
    const file = newFile()
    openState({ file, owner: 'one' }).close()
    const other = newFile()
    symlinkSync(file, other)
    const lock = lockState(other)
    expect(() => lockState(file)).toThrow('is in use')
    lock.release()
    const state = openState({ file: other, owner: 'one' })
    expect(existsSync(`${file}-wal`)).toBe(true)
    state.close()
  })

  test('that cannot be made says so', () => {
    const blocked = newFile()
    writeFileSync(blocked, 'a file')
    expect(() => lockState(join(blocked, 'state.db'))).toThrow('cannot be made or opened')
  })
})

describe('R-STATE-2 a state file', () => {
  test('is made with its folder, for its owner alone, and so is its log', async () => {
    const file = join(folder, 'deep', 'er', 'state.db')
    const state = openState({ file, owner: 'one' })
    await state.uses.reserve([use()], end, hashOf(1))
    for (const part of ['', '-wal', '-shm']) expect(statSync(file + part).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'deep')).mode & 0o077).toBe(0)
    state.close()
    expect(readdirSync(join(folder, 'deep', 'er'))).toEqual(['state.db'])
  })

  test('that others could read is closed to them', () => {
    const file = newFile()
    openState({ file, owner: 'one' }).close()
    chmodSync(file, 0o644)
    openState({ file, owner: 'one' }).close()
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  test('keeps what was written when it is opened again', async () => {
    const file = newFile()
    const state = openState({ file, owner: 'one' })
    await furnish(state)
    state.close()
    const again = openState({ file, owner: 'two' })
    expect(await takenOf(again.uses, use(), end, hashOf(1))).toBe(1n)
    expect(again.transactions({ limit: 100 }).items.length).toBe(purchases)
    expect(again.denials().length).toBe(purchases)
    expect(again.services().length).toBe(purchases)
    again.close()
  })

  test('that was copied with the tools of SQLite is opened', async () => {
    const file = newFile()
    const copy = newFile()
    const state = openState({ file, owner: 'one' })
    await furnish(state)
    const tool = new DatabaseSync(file)
    tool.exec(`VACUUM INTO '${copy}'`)
    tool.close()
    const other = openState({ file: copy, owner: 'one' })
    expect(await takenOf(other.uses, use(), end, hashOf(1))).toBe(1n)
    other.close()
    state.close()
  })

  test('cannot be made where its folder is a file', () => {
    const blocked = newFile()
    writeFileSync(blocked, 'a file')
    expect(refusalOf(join(blocked, 'state.db')).message).toContain('cannot be made')
  })

  test('needs an owner', () => {
    expect(() => openState({ file: newFile(), owner: '' })).toThrow(TypeError)
  })
})

describe('R-STATE-3 what is not a state file of this version is refused and left as it is', () => {
  const foreign = (sql: string) => (file: string) => {
    const database = new DatabaseSync(file)
    database.exec(sql)
    database.close()
  }
  const changed = (sql: string) => (file: string) => {
    openState({ file, owner: 'one' }).close()
    foreign(sql)(file)
  }
  for (const [what, make, message] of [
    [
      'a text',
      (file: string) => writeFileSync(file, 'listen: 127.0.0.1:8402\n'),
      'is damaged, or not',
    ],
    [
      'noise',
      (file: string) => writeFileSync(file, Buffer.alloc(20_000, 0xa5)),
      'is damaged, or not',
    ],
    ['the database of another program', foreign('CREATE TABLE a (b)'), 'not a state file'],
    [
      'a newer version',
      changed('PRAGMA user_version = 99'),
      'newer Satway (version 99; this one knows 2)',
    ],
    ['a version that never was', changed('PRAGMA user_version = 0'), 'is damaged'],
    ['a negative version', changed('PRAGMA user_version = -5'), 'is damaged'],
    ['a missing index', changed('DROP INDEX payments_by_time'), 'is damaged'],
    ['a missing trigger', changed('DROP TRIGGER payment_made'), 'is damaged'],
    ['a table more', changed('CREATE TABLE more (a)'), 'is damaged'],
    ['a folder', (file: string) => mkdirSync(file), 'is not a file'],
  ] as const satisfies readonly (readonly [string, (file: string) => void, string])[]) {
    test(what, () => {
      const file = newFile()
      make(file)
      const before = statSync(file).isFile() ? readFileSync(file) : undefined
      const refusal = refusalOf(file)
      expect(refusal.file).toBe(file)
      expect(refusal.message.startsWith(file)).toBe(true)
      expect(refusal.message).toContain(message)
      if (before !== undefined) expect(readFileSync(file).equals(before)).toBe(true)
    })
  }
})

describe('R-STATE-4 a file that lost a part is refused, with what to do', () => {
  /** As a process leaves it that is killed. */
  const abandoned = async (): Promise<string> => {
    const source = newFile()
    const state = openState({ file: source, owner: 'one' })
    await furnish(state)
    const file = newFile()
    copyState(source, file)
    state.close()
    return file
  }

  test('all of it, but its name', () => {
    const file = newFile()
    writeFileSync(file, '')
    expect(refusalOf(file).message).toMatch(/is empty.* delete it to start anew/)
    expect(statSync(file).size).toBe(0)
  })

  test('its log', async () => {
    const file = await abandoned()
    rmSync(`${file}-wal`)
    expect(refusalOf(file).message).toMatch(/log .*-wal is missing/)
    expect(existsSync(`${file}-wal`)).toBe(false)
    // The way out that the message names.
    rmSync(`${file}-shm`)
    openState({ file, owner: 'two' }).close()
  })

  test('itself, but not its log', async () => {
    const file = await abandoned()
    rmSync(file)
    expect(refusalOf(file).message).toMatch(/is missing, but its log/)
    expect(existsSync(file)).toBe(false)
  })

  test('its end', async () => {
    const source = newFile()
    const state = openState({ file: source, owner: 'one' })
    await furnish(state)
    state.close()
    const { size } = statSync(source)
    for (const left of [1, 100, 4095, 4096, 8192, size >> 1, size - 4096, size - 1]) {
      const file = newFile()
      copyFileSync(source, file)
      truncateSync(file, left)
      expect(refusalOf(file).message).toMatch(/is damaged|is not a state file/)
      expect(statSync(file).size).toBe(left)
    }
  })

  test('nothing: what a killed process leaves is opened', async () => {
    const file = await abandoned()
    const state = openState({ file, owner: 'two' })
    expect(
      await takenOf(state.uses, use({ key: hashOf(7), lineage: hashOf(7) }), end, hashOf(7)),
    ).toBe(7n)
    state.close()
  })
})

describe('R-STATE-5 a flipped bit', () => {
  test('in the file stops the start or one answer, or changes nothing that counts', async () => {
    const source = newFile()
    const made = openState({ file: source, owner: 'one' })
    await furnish(made)
    await made.uses.reserve([use({ key: hashOf(1), lineage: hashOf(1), max: 99n })], end, hashOf(1))
    made.close()
    const bytes = readFileSync(source)
    const random = createRandom(402)
    const seen = { refused: 0, unharmed: 0 }
    for (let i = 0; i < 300; i++) {
      const file = newFile()
      const damaged = Buffer.from(bytes)
      // The first pages as often as the rest: there is the schema.
      const at = random(i % 4 === 0 ? 12_288 : damaged.length)
      damaged[at]! ^= 1 << random(8)
      writeFileSync(file, damaged, { mode: 0o600 })
      const verdict = await verdictOf(file)
      expect(verdict, `byte ${at}`).not.toMatch(/^wrong/)
      seen[verdict === 'refused' ? 'refused' : 'unharmed']++
      for (const part of ['', '-wal', '-shm']) rmSync(file + part, { force: true })
    }
    expect(seen.refused).toBeGreaterThan(50)
    expect(seen.unharmed).toBeGreaterThan(10)
  })

  test('in a count is seen when its token comes, also in a file that is too large to be read through', async () => {
    const file = newFile()
    const state = openState({ file, owner: 'one' })
    await furnish(state)
    const tool = new DatabaseSync(file)
    tool.exec('PRAGMA ignore_check_constraints = ON; UPDATE counters SET taken = taken - 1')
    tool.close()
    const damaged = state.uses.reserve(
      [use({ key: hashOf(5), lineage: hashOf(5) })],
      end,
      hashOf(5),
    )
    const sound = state.uses.reserve(
      [use({ key: hashOf(99), lineage: hashOf(99) })],
      end,
      hashOf(99),
    )
    await expect(damaged).rejects.toThrow('a counter cannot be read')
    // It was written in one transaction with the other, and did not take it along.
    reservedIn(await sound)
    state.close()
    expect(refusalOf(file).message).toContain('is damaged')
  })

  test('in a stored service is seen when it is read', () => {
    const file = newFile()
    const state = openState({ file, owner: 'one' })
    state.putService('a', '{"price":"10 sat"}')
    const tool = new DatabaseSync(file)
    tool.exec(`UPDATE services SET document = '{"price":"11 sat"}'`)
    tool.close()
    expect(() => state.services()).toThrow('a stored service cannot be read')
    state.close()
  })

  test('in the log is read as a power cut: up to it, and in whole transactions', async () => {
    const source = newFile()
    const state = openState({ file: source, owner: 'one' })
    // In each transaction both counters grow: they are never apart.
    const limits = [use({ max: 500n }), branch(7, { max: 500n })]
    for (let i = 0; i < 60; i++) {
      await state.uses.commit(reservedIn(await state.uses.reserve(limits, end, hashOf(1))))
    }
    const copy = newFile()
    copyState(source, copy)
    state.close()
    const log = readFileSync(`${copy}-wal`)
    const random = createRandom(403)
    const seen = { refused: 0, shorter: 0, whole: 0 }
    for (let i = 0; i < 100; i++) {
      const file = newFile()
      copyFileSync(copy, file)
      const damaged = Buffer.from(log)
      damaged[random(damaged.length)]! ^= 1 << random(8)
      writeFileSync(`${file}-wal`, i % 5 === 0 ? log.subarray(0, random(log.length)) : damaged)
      let after: State | undefined
      try {
        after = openState({ file, owner: 'two' })
        after.releaseAbandoned([])
        const taken = await takenOf(after.uses, use(), end, hashOf(1))
        expect(await takenOf(after.uses, branch(7), end, hashOf(1))).toBe(taken)
        expect(taken).toBeLessThanOrEqual(60n)
        seen[taken === 60n ? 'whole' : 'shorter']++
      } catch (error) {
        expect(error).toBeInstanceOf(StateFileError)
        seen.refused++
      } finally {
        after?.close()
      }
    }
    expect(seen.shorter).toBeGreaterThan(20)
  })
})

/** Whether exactly so much is taken. */
async function isTaken(
  state: State,
  limit: CostedLimit,
  purchase: number,
  taken: number,
): Promise<boolean> {
  const reserve = (max: bigint): ReturnType<State['uses']['reserve']> =>
    state.uses.reserve([{ ...limit, cost: 0n, max }], end, hashOf(purchase))
  const [enough, tooLow] = await Promise.all([reserve(BigInt(taken)), reserve(BigInt(taken - 1))])
  return 'reserved' in enough && 'exhausted' in tooLow
}

/** `wrong: ...` when something was answered that was not so. */
async function verdictOf(file: string): Promise<string> {
  let state: State | undefined
  try {
    state = openState({ file, owner: 'two' })
    state.releaseAbandoned([])
    for (let i = 1; i <= purchases; i++) {
      const own = use({ key: hashOf(i), lineage: hashOf(i) })
      if (!(await isTaken(state, own, i, i))) return `wrong: uses of ${i}`
      if (!(await isTaken(state, branch(i), i, 1))) return `wrong: branch ${i}`
      const denied = { paymentHash: hashOf(1000 + i), tokenId: '', delegationIds: [] }
      if (!state.denyList.isDenied(denied)) return `wrong: ${i} is not denied`
    }
    const { items } = state.transactions({ limit: 1000 })
    if (items.length !== purchases) return `wrong: ${items.length} transactions`
    const isRight = items.every(
      (item) =>
        item.amountMsat === 1000n &&
        item.settledAtSeconds === settlement.settledAtSeconds &&
        item.service === 's' &&
        item.capability === `c-${Number.parseInt(item.paymentHash, 16)}`,
    )
    if (!isRight) return 'wrong: a transaction'
    const services = state.services()
    if (services.length !== purchases) return 'wrong: services'
    return services.every(({ name, document }) => JSON.parse(document).name === name)
      ? 'unharmed'
      : 'wrong: a service'
  } catch (error) {
    return error instanceof Error ? 'refused' : 'wrong: threw'
  } finally {
    state?.close()
  }
}

function createRandom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

test('R-STATE-35 probe writes and reads, and throws when it cannot', () => {
  const file = newFile()
  const state = openState({ file, owner: 'one' })
  state.probe()
  const tool = new DatabaseSync(file)
  tool.exec("CREATE TRIGGER full BEFORE UPDATE ON marks BEGIN SELECT raise(ABORT, 'full'); END")
  expect(() => state.probe()).toThrow('full')
  tool.close()
  state.close()
  expect(() => state.probe()).toThrow()
})
