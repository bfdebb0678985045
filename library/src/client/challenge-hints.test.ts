import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readConditions, readHints } from './challenge-hints.ts'

async function enforcedIn(body: string): Promise<readonly string[]> {
  return (await readHints(new Response(body, { status: 402 }))).enforces
}

describe('R-PAY-62 what a server says that it enforces', () => {
  for (const [name, body, enforces] of [
    ['a list', '{"caveats":["services","exp","req"]}', ['services', 'exp', 'req']],
    ['a list with repetitions', '{"caveats":["exp","exp"]}', ['exp']],
    ['a list of other things', '{"caveats":[1,null,["exp"],{"a":1},"exp",""]}', ['exp']],
    ['names with blanks', '{"caveats":["a b","\\n","\\u00e9","~!"]}', ['~!']],
    ['no list', '{"caveats":"exp"}', []],
    ['nothing', '{}', []],
    ['a list alone', '["exp"]', []],
    ['no object', 'null', []],
    ['no JSON', 'exp req', []],
    ['an inherited member', '{"__proto__":{"caveats":["exp"]}}', []],
  ] as const) {
    test(`is ${JSON.stringify(enforces)} in ${name}`, async () => {
      expect(await enforcedIn(body)).toEqual(enforces)
    })
  }

  test('is at most 64 names of at most 64 characters', async () => {
    const names = Array.from({ length: 100 }, (_, i) => `name-${i}`)
    const long = ['x'.repeat(65), 'y'.repeat(64)]
    const enforces = await enforcedIn(JSON.stringify({ caveats: [...long, ...names] }))
    expect(enforces.length).toBe(64)
    expect(enforces[0]).toBe('y'.repeat(64))
    expect(enforces[1]).toBe('name-0')
  })

  test('is short printable names, whatever is written there', () => {
    fc.assert(
      fc.property(fc.anything(), (anything) => {
        for (const names of [readConditions(anything), readConditions([anything, 'exp'])]) {
          expect(names.length).toBeLessThanOrEqual(64)
          for (const one of names) expect(one).toMatch(/^[\x21-\x7e]{1,64}$/)
        }
      }),
      { numRuns: 500 },
    )
  })
})
