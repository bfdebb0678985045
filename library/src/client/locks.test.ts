import { describe, expect, test } from 'vitest'
import { createLocks, orAborted } from './locks.ts'

describe('R-PAY-9 locks', () => {
  test('let one in at a time for each key, in the order of asking', async () => {
    const locks = createLocks()
    const log: string[] = []
    const task = (name: string) => async () => {
      log.push(`${name} in`)
      await null
      await null
      log.push(`${name} out`)
    }
    await Promise.all([
      locks.run('k', undefined, task('a')),
      locks.run('k', undefined, task('b')),
      locks.run('other', undefined, task('x')),
      locks.run('k', undefined, task('c')),
    ])
    expect(log.filter((line) => !line.startsWith('x'))).toEqual([
      'a in',
      'a out',
      'b in',
      'b out',
      'c in',
      'c out',
    ])
    expect(log.indexOf('x in')).toBeLessThan(log.indexOf('a out'))
  })

  test('go on after a task that throws, and after one that gave up waiting', async () => {
    const locks = createLocks()
    const impatience = new AbortController()
    let finish = (): void => undefined
    const first = locks.run('k', undefined, async () => {
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      throw new Error('failed')
    })
    const second = locks.run('k', impatience.signal, async () => 'second')
    let thirdRan = false
    const third = locks.run('k', undefined, async () => {
      thirdRan = true
    })
    impatience.abort(new Error('enough'))
    await expect(second).rejects.toThrow('enough')
    await null
    expect(thirdRan).toBe(false)
    finish()
    await expect(first).rejects.toThrow('failed')
    await third
    expect(thirdRan).toBe(true)
  })

  test('are not entered with a signal that has aborted', async () => {
    const run = createLocks().run('k', AbortSignal.abort(new Error('no')), async () => 'ran')
    await expect(run).rejects.toThrow('no')
  })
})

test('waiting for a promise or a signal leaves no failure unheard', async () => {
  const aborted = AbortSignal.abort(new Error('no'))
  await expect(orAborted(Promise.reject(new Error('later')), aborted)).rejects.toThrow('no')
  expect(await orAborted(Promise.resolve(1), new AbortController().signal)).toBe(1)
})
