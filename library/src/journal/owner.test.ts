import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { isGone, ownOwner } from './owner.ts'

const isLinux = process.platform === 'linux'
const [machine = '', space = '', pid = '', start = ''] = ownOwner().split('/')

describe('R-JRN-23 a process is certainly gone', () => {
  test('not while it is the one that asks', () => {
    expect(isGone(ownOwner())).toBe(false)
  })

  test('once it was killed, and not before', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1000)'])
    await once(child, 'spawn')
    const { pid: childPid } = child
    // Without its start, as on systems that do not tell it.
    const owner = `-/-/${childPid}/-`
    expect(isGone(owner)).toBe(false)
    child.kill('SIGKILL')
    await once(child, 'close')
    expect(isGone(owner)).toBe(true)
    if (isLinux) expect(isGone(`${machine}/${space}/${childPid}/1`)).toBe(true)
  })

  for (const [what, owner, answer] of [
    [
      'when another one has its process id',
      `${machine}/${space}/${pid}/${Number(start) + 1}`,
      true,
    ],
    [
      'when the machine was started anew',
      `00000000-0000-4000-8000-000000000000/${space}/${pid}/${start}`,
      true,
    ],
    ['not when it is of another container', `${machine}/1/${Number(pid) + 1}/${start}`, false],
    ['not when its start is not known', `${machine}/${space}/${pid}/-`, false],
  ] as const) {
    test.runIf(isLinux)(what, () => {
      expect(isGone(owner)).toBe(answer)
    })
  }

  for (const name of [
    '',
    '/',
    '-',
    'x',
    '-/-/0/-',
    '-/-/-1/-',
    '-/-/1.5/-',
    'a/b/c/d/e',
    '-/-/1e99/-',
  ]) {
    test(`not when its name cannot be read: ${JSON.stringify(name)}`, () => {
      expect(isGone(name)).toBe(false)
    })
  }
})
