import { execFileSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { quote } from './instructions.ts'

describe('a path for the shell', () => {
  test('stays as it is when it is plain', () => {
    expect(quote('@/home/a-b_c/.satway/demo-8402/x.txt')).toBe(
      '@/home/a-b_c/.satway/demo-8402/x.txt',
    )
  })

  for (const path of ["/home/o'brien/x", '/a b/c', '/$HOME/`id`', '/a"b\\c', '/é/*']) {
    test(`survives a shell: ${path}`, () => {
      const printed = execFileSync('sh', ['-c', `printf %s ${quote(path)}`], { encoding: 'utf8' })
      expect(printed).toBe(path)
    })
  }
})
