import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { linesOf, rawRequest, sendRaw } from '../adapters/raw.ts'
import { skipPart } from '../parts.ts'
import { nginxLack } from './nginx.ts'
import type { RealUpstream } from './real-upstreams.ts'
import {
  openExpress,
  openFastify,
  openHono,
  openNginx,
  premium,
  premiumHeader,
} from './real-upstreams.ts'
import { unpaidSpellings } from './spellings.ts'
import type { Stage } from './stage.ts'
import { openStage } from './stage.ts'

const kinds = [
  { name: 'Express', open: openExpress, lack: undefined },
  { name: 'Fastify', open: openFastify, lack: undefined },
  { name: 'Hono', open: openHono, lack: undefined },
  { name: 'nginx', open: openNginx, lack: nginxLack() },
] as const

// The dearest mistake there is: everything but one route is free.
const config = (upstream: string): string => `
services:
  - name: shop
    upstream: ${upstream}
    routes:
      GET /premium: 10 sat
      '* /': free
      '* /*': free
`

for (const { name, open, lack } of kinds) {
  describe.skipIf(skipPart(name.toLowerCase(), lack))(`in front of ${name}`, () => {
    let upstream: RealUpstream
    let stage: Stage
    beforeAll(async () => {
      upstream = await open()
      stage = await openStage(config(upstream.url))
    })
    afterAll(async () => {
      await stage.close()
      await upstream.close()
    })

    test('R-GW-20 no spelling of a priced path is served unpaid', async () => {
      const served: string[] = []
      let asked = 0
      for (const parts of unpaidSpellings()) {
        asked++
        const answer = await sendRaw(stage.port, rawRequest(parts))
        if (answer.body.includes(premium) || linesOf(answer, premiumHeader).length > 0) {
          served.push(JSON.stringify(parts))
        }
      }
      expect(served).toEqual([])
      expect(asked).toBeGreaterThan(500)
    }, 60_000)

    test('R-GW-20 the priced path is served when it is paid, and other paths are free', async () => {
      const authorization = await stage.buy('/premium')
      const response = await fetch(`${stage.url}/premium?x=%2F`, { headers: { authorization } })
      expect([response.status, await response.text()]).toEqual([200, premium])
      const free = await fetch(`${stage.url}/something/else?x=1`)
      expect([free.status, await free.text()]).toEqual([200, 'other'])
    })
  })
}
