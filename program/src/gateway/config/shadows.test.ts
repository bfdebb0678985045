import { describe, expect, test } from 'vitest'
import type { Claim } from './shadows.ts'
import { findShadowed } from './shadows.ts'

const claim = (hosts: readonly string[], mount: string, ...routes: readonly string[]): Claim => ({
  hosts,
  mount,
  routes,
})

describe('R-CONF-17 a service of the admin API takes nothing from one of the file', () => {
  for (const [under, over, route] of [
    [claim(['a.x'], '/', 'GET /a'), claim(['a.x'], '/a', 'GET /a'), 'GET /a'],
    [claim(['a.x'], '/', 'GET /a/b'), claim(['a.x'], '/A', 'GET /A/c'), 'GET /a/b'],
    [claim(['a.x'], '/', 'GET /:id/b'), claim(['a.x'], '/v2', 'GET /v2/b'), 'GET /:id/b'],
    [claim(['a.x'], '/', 'GET /', '* /*'), claim(['a.x'], '/v2', 'GET /v2/b'), '* /*'],
    [claim(['*'], '/', '* /*'), claim(['*'], '/v2', 'GET /v2/b'), '* /*'],
    [claim(['*.x'], '/', 'GET /q'), claim(['a.x'], '/z', 'GET /z/b'), 'GET /q'],
    [claim(['*.x'], '/', 'GET /q'), claim(['*.a.x'], '/z', 'GET /z/b'), 'GET /q'],
    [claim(['a.x'], '/v2', 'GET /v2/q'), claim(['a.x'], '/v2/q', 'GET /v2/q/r'), 'GET /v2/q'],
  ] as const) {
    test(`${JSON.stringify(over)} over ${JSON.stringify(under)}`, () => {
      expect(findShadowed(under, over)?.route).toBe(route)
    })
  }

  for (const [under, over] of [
    [claim(['a.x'], '/', 'GET /a'), claim(['b.x'], '/a', 'GET /a')],
    [claim(['a.x'], '/', 'GET /a', 'GET /'), claim(['a.x'], '/extra', 'GET /extra/x')],
    [claim(['*'], '/', 'GET /a'), claim(['*'], '/extra', 'GET /extra/x')],
    [claim(['*'], '/', '* /*'), claim(['new.x'], '/', '* /*')],
    [claim(['a.x'], '/v2', 'GET /v2/q'), claim(['a.x'], '/', 'GET /q')],
    [claim(['a.x'], '/', 'GET /a'), claim(['a.x'], '/a/b', 'GET /a/b/c')],
    [claim(['*.x'], '/', 'GET /q'), claim(['*'], '/', 'GET /q')],
    [claim(['*.x'], '/', 'GET /q'), claim(['*.x'], '/extra', 'GET /extra/q')],
  ] as const) {
    test(`${JSON.stringify(over)} beside ${JSON.stringify(under)}`, () => {
      expect(findShadowed(under, over)).toBeUndefined()
    })
  }
})
