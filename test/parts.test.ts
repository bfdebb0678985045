import { expect, test } from 'vitest'
import { readRequired, skipPart } from './parts.ts'

test('a part is required by its name, by all, or left out of all', () => {
  expect(readRequired('')).toEqual([])
  expect(readRequired('lsat-js')).toEqual(['lsat-js'])
  expect(readRequired('all, -lnd,')).toEqual(['all', '-lnd'])
})

test('a part that is misspelt is refused: it would require nothing', () => {
  for (const list of ['lndd', 'al', 'all,-lndd', 'lnd phoenixd', '-all']) {
    expect(() => readRequired(list), list).toThrow('which is no part')
  }
  expect(() => skipPart('lndd', 'it is not there')).toThrow('is no part')
})
