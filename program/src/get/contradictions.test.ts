import { describe, expect, test } from 'vitest'
import { readCommandLine } from '../cli/command.ts'
import { UsageMistake } from '../cli/failure.ts'
import { get } from '../cli/get.ts'
import { readOutput } from './choose-place.ts'
import { refuseContradictions } from './contradictions.ts'
import { readRequest } from './request.ts'

async function check(...args: readonly string[]): Promise<void> {
  const given = readCommandLine(get, args)
  const request = await readRequest(given)
  refuseContradictions(given, request, readOutput(given, request.url))
}

const url = 'https://shop.example/a/data.bin?key=secret'

describe('R-GET-24 flags that contradict each other', () => {
  for (const args of [
    ['--json', '--human'],
    ['--json', '-o', '-'],
    ['-L', '--no-location'],
    ['--no-location', '--max-redirects', '3'],
    ['--no-pay', '--ask'],
    ['--no-pay', '--approval-wait', '5'],
    ['-o', 'file', '-O'],
    ['-i', '-o', 'file'],
    ['-i', '-O'],
    ['-i', '--json'],
    ['-c'],
    ['-c', '-o', '-'],
    ['-c', '-o', 'file', '-d', 'data'],
    ['-c', '-o', 'file', '-X', 'HEAD'],
    ['-c', '-o', 'file', '-H', 'Range: bytes=0-1'],
    ['-c', '-o', 'file', '-H', 'If-Range: "a"'],
  ]) {
    test(args.join(' '), async () => {
      await expect(check(url, ...args)).rejects.toBeInstanceOf(UsageMistake)
    })
  }

  for (const args of [
    ['--json', '-o', 'file'],
    ['-L', '--max-redirects', '3'],
    ['-c', '-o', 'file', '--json', '-q'],
    ['-c', '-O'],
    ['-i', '-o', '-', '-L'],
    ['--dry-run', '--json', '--max-cost', '1'],
    ['--dry-run', '--no-pay', '-c', '-o', 'file', '--credential', 'other'],
  ]) {
    test(`and some that do not: ${args.join(' ')}`, async () => {
      await check(url, ...args)
    })
  }
})

describe('R-GET-3 --remote-name', () => {
  const named = (address: string): string | undefined =>
    readOutput(readCommandLine(get, ['-O']), new URL(address))

  test('is the end of the path, without the query', () => {
    expect(named(url)).toBe('data.bin')
    expect(named('https://shop.example/a%20b%2Fc#d')).toBe('a%20b%2Fc')
  })

  for (const address of [
    'https://shop.example',
    'https://shop.example/a/',
    'https://shop.example/.bashrc',
    'https://shop.example/a/..',
    'https://shop.example/a/%2e%2e',
  ]) {
    test(`is refused where that is no name for a file: ${address}`, () => {
      expect(() => named(address)).toThrow(UsageMistake)
    })
  }
})
