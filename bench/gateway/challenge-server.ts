import { msat } from 'satway'
import { readConfig } from '../../program/src/gateway/config/index.ts'
import { openGateway } from '../../program/src/gateway/gateway.ts'
import { createMetrics } from '../../program/src/gateway/operations/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'
import { createStubPayee } from './stub-payee.ts'

// The gateway with a wallet that answers at once: what it costs to ask for payment, without the node.
const [port, state] = process.argv.slice(2)
const reading = await readConfig(
  `listen: 127.0.0.1:${port}
wallet: devnet
keys: \${BENCH_KEYS}
state: ${state}
admin: false
log: { access: off }
issuance: { burst: 1000000, per_minute: 1000000, global_burst: 1000000, global_per_minute: 1000000 }
services:
  - name: bench
    upstream: http://127.0.0.1:9
    routes:
      GET /any: { price: 10 sat, capability: any }
      GET /once: { price: 10 sat, capability: once, uses: 1 }
`,
  { file: 'satway.yaml', env: { BENCH_KEYS: `1:${'07'.repeat(32)}` } },
)
if ('mistakes' in reading) throw new Error(JSON.stringify(reading.mistakes))
await openGateway(reading.config, {
  payee: createStubPayee(msat(10_000n)),
  state: openState({ file: String(state), owner: 'bench' }),
  observer: createMetrics({ process: 'bench' }),
  accessLog: {
    write: () => undefined,
    reopen: () => undefined,
    lost: () => 0,
    close: async () => undefined,
  },
  dryRun: false,
  workers: 1,
  log: (message) => process.stderr.write(`${message}\n`),
})
