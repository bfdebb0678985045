import { describe, expect, test } from 'vitest'
import type { Command } from './command.ts'
import { readCommandLine } from './command.ts'
import { exitCodes } from './exit-codes.ts'
import { UsageMistake } from './failure.ts'

const command: Command = {
  name: 'do',
  usage: '[options] THING',
  about: [],
  flags: {
    header: { short: 'H', value: 'LINE', repeats: true, about: '' },
    data: { short: 'd', value: 'DATA', about: '' },
    quiet: { short: 'q', about: '' },
  },
  operands: 1,
  sections: [],
  examples: [],
  run: async () => 0,
}

describe('a command line', () => {
  test('is read in any order, in long and short spellings', () => {
    const given = readCommandLine(command, ['-q', '-H', 'a: 1, 2', 'thing', '--header=b: 3', '-dx'])
    expect(given.operands).toEqual(['thing'])
    expect(given.has('quiet')).toBe(true)
    expect(given.has('data')).toBe(true)
    expect(given.text('data')).toBe('x')
    expect(given.texts('header')).toEqual(['a: 1, 2', 'b: 3'])
  })

  test('has nothing that was not given', () => {
    const given = readCommandLine(command, ['thing'])
    expect(given.has('quiet')).toBe(false)
    expect(given.text('data')).toBeUndefined()
    expect(given.texts('header')).toEqual([])
  })

  test('takes everything after -- as it is', () => {
    expect(readCommandLine(command, ['--', '--help']).operands).toEqual(['--help'])
  })

  test('takes an empty value as a value', () => {
    expect(readCommandLine(command, ['--data', '', 'thing']).text('data')).toBe('')
  })

  for (const [what, args, message] of [
    ['nothing', [], 'THING is missing'],
    ['two things', ['a', 'b'], '"b" is one argument too many'],
    ['an unknown flag', ['--bogus', 'a'], "Unknown option '--bogus'"],
    ['an unknown short flag', ['-x', 'a'], "Unknown option '-x'"],
    ['a flag that is a name of Object', ['--constructor', 'a'], "Unknown option '--constructor'"],
    ['a flag twice', ['-d', '1', '-d', '2', 'a'], '--data is given twice'],
    ['a switch twice', ['-qq', 'a'], '--quiet is given twice'],
    ['a flag without its value', ['a', '--data'], "Option '-d, --data <value>' argument missing"],
    [
      'a switch with a value',
      ['--quiet=yes', 'a'],
      "Option '-q, --quiet' does not take an argument",
    ],
  ] as const) {
    test(`is refused with ${what}`, () => {
      let thrown: unknown
      try {
        readCommandLine(command, args)
      } catch (error) {
        thrown = error
      }
      expect(thrown).toBeInstanceOf(UsageMistake)
      expect((thrown as UsageMistake).message).toBe(message)
      expect((thrown as UsageMistake).exitCode).toBe(exitCodes.usage)
    })
  }
})
