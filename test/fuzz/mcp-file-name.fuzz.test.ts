import { posix, win32 } from 'node:path'
import { expect, test } from 'vitest'
import { Failure } from '../../program/src/cli/failure.ts'
import { readFileName } from '../../program/src/mcp/download.ts'
import { fuzzText } from './harness.ts'

test('R-MCP-20 whatever is taken for a file name is one name, on every system', () => {
  let taken = 0
  fuzzText({
    name: 'file name',
    seeds: [
      'report.pdf',
      'Straße 7.tar.gz',
      '../../etc/passwd',
      'CON.txt',
      'a\\b',
      '.bashrc',
      'a:b',
      'C:x',
    ],
    words: [
      '/',
      '\\',
      '..',
      ':',
      '\u0000',
      '\u202e',
      '\u2215',
      '~',
      ' ',
      '.',
      'NUL',
      'COM1',
      '%2f',
      '\ud800',
    ],
    codes: [],
    read: (text) => {
      try {
        return readFileName(text)
      } catch (error) {
        if (error instanceof Failure) return undefined
        throw error
      }
    },
    holds: (_text, name) => {
      if (typeof name !== 'string') return
      taken++
      expect(posix.resolve('/d', name)).toBe(`/d/${name}`)
      expect(win32.resolve('C:\\d', name)).toBe(`C:\\d\\${name}`)
      expect(name).not.toMatch(/^[.~-]|[/\\:*?"<>|\p{C}]|[. ]$/u)
      expect(Buffer.byteLength(name)).toBeLessThanOrEqual(200)
      expect(readFileName(name)).toBe(name)
    },
  })
  expect(taken).toBeGreaterThan(100)
})
