import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startGatewayChild } from './gateway-child.ts'
const server = createServer((q, r) => r.end('x'))
server.listen(0); await once(server, 'listening')
const c = await startGatewayChild(`services:\n  - name: shop\n    upstream: http://127.0.0.1:${(server.address() as AddressInfo).port}\n    routes:\n      GET /a: { price: 10 sat, uses: 100 }\n`)
console.log((await fetch(c.url + '/a')).status)
if (process.argv[2] === 'pay') console.log((await c.pay((await fetch(c.url + '/a')).headers.get('www-authenticate')!)).length)
console.log(await c.memory())
const t = Date.now()
await Promise.race([c.close(), new Promise(r => setTimeout(r, 5000))])
console.log('closed', Date.now() - t)
process.exit()
