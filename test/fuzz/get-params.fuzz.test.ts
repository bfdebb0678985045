import { expect, test } from 'vitest'
import { UsageMistake } from '../../program/src/cli/failure.ts'
import { get } from '../../program/src/cli/get.ts'
import { readParams } from '../../program/src/get/params.ts'
import { fuzzText } from './harness.ts'

const refused = Symbol('refused')

test('R-GET-12 --params, mutated: what is read is flags with text, and no limit is lost', () => {
  let accepted = 0
  fuzzText({
    name: 'params',
    seeds: [
      '{"url":"https://a.test/","max_cost":500,"max_fee":"1sat"}',
      '{"headers":{"Accept":"a, b","X":["1","2"]},"data":"{}","method":"PUT"}',
      '{"no_pay":true,"location":false,"output":"f","params":1}',
      '{}',
      '[]',
    ],
    words: ['"max_cost":', 'null', 'true', '"__proto__":', '{', '}', ',', '-', 'e9', '"url":"x",'],
    read: (text) => {
      try {
        return readParams(get.flags, text)
      } catch (error) {
        expect(error).toBeInstanceOf(UsageMistake)
        return refused
      }
    },
    codes: [],
    holds: (text, params) => {
      if (params === refused) return
      accepted++
      const { texts, switches, url } = params as ReturnType<typeof readParams>
      const given = JSON.parse(text) as Record<string, unknown>
      const count = texts.size + switches.size + (url === undefined ? 0 : 1)
      expect(count).toBe(Object.keys(given).length)
      for (const [name, values] of texts) {
        expect(get.flags[name]?.value).toBeTypeOf('string')
        for (const value of values) expect(value).toBeTypeOf('string')
      }
      for (const [name] of switches) expect(get.flags[name]?.value).toBeUndefined()
      if ('max_cost' in given) expect(texts.get('max-cost')).toEqual([String(given['max_cost'])])
    },
  })
  expect(accepted).toBeGreaterThan(0)
})
