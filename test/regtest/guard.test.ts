import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { createGuard, hasEnded } from './guard.ts'
import { until } from './until.ts'

const isPosix = process.platform !== 'win32'

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

test.runIf(isPosix)('R-REG-4 what a guard runs ends with it, and its folder goes', async () => {
  const guard = createGuard()
  const child = guard.run('sleeper', 'sleep', ['600'])
  expect(isAlive(child.pid ?? 0)).toBe(true)
  await guard.close()
  expect(isAlive(child.pid ?? 0)).toBe(false)
  expect(existsSync(guard.folder)).toBe(false)
})

test.runIf(isPosix)('R-REG-4 what a guard runs ends when its process is killed', async () => {
  const source = `
    import { createGuard } from ${JSON.stringify(join(import.meta.dirname, 'guard.ts'))}
    const guard = createGuard()
    const first = guard.run('first', 'sleep', ['600'])
    const second = guard.run('second', 'sleep', ['600'])
    console.log(JSON.stringify({ folder: guard.folder, pids: [first.pid, second.pid] }))
    setInterval(() => {}, 1000)`
  const owner = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', source], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface({ input: owner.stdout }), 'line')) as [string]
  const { folder, pids } = JSON.parse(line) as {
    readonly folder: string
    readonly pids: readonly number[]
  }
  expect(pids.every(isAlive)).toBe(true)
  owner.kill('SIGKILL')
  await until('both to end', async () => !pids.some(isAlive), { limitMs: 20_000 })
  await until('the folder to go', async () => !existsSync(folder), { limitMs: 20_000 })
})

test.runIf(isPosix)(
  'R-REG-4 what a program has started ends with it, and its last words are told',
  async () => {
    const guard = createGuard()
    const child = guard.run('shell', 'sh', ['-c', 'echo first; sleep 600 & echo $!; wait'])
    const pid = await until('both lines', async () => {
      const [, second] = guard.lastWords('shell').split(' | ')
      return second !== undefined && Number(second)
    })
    expect(isAlive(pid)).toBe(true)
    expect(() => guard.run('none', join(guard.folder, 'none'), [])).toThrow('cannot be started')
    await guard.close()
    expect(isAlive(child.pid ?? 0)).toBe(false)
    await until('the child of the shell to end', async () => !isAlive(pid))
  },
)

test.runIf(isPosix)('waiting for a program that has ended is over at once', async () => {
  const guard = createGuard()
  const child = guard.run('brief', 'sh', ['-c', 'exit 3'])
  const waiting = until('an answer', async () => undefined, { isOver: () => hasEnded(child) })
  await expect(waiting).rejects.toThrow('It ended before this came: an answer')
  await guard.close()
})
