import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { bech32 } from '@scure/base'
import { encodeInvoice, msat, paymentHash } from 'satway'
import type { Payee } from 'satway/lightning'
import { readConfig } from '../../program/src/gateway/config/index.ts'
import { openGateway } from '../../program/src/gateway/gateway.ts'
import { createMetrics } from '../../program/src/gateway/operations/index.ts'
import { openState } from '../../program/src/gateway/state/index.ts'

// The gateway with a wallet that answers at once: its invoices have a payment hash of their own and
// the signature of another one, which only a payer looks at.
void [
  randomBytes,
  createServer,
  bech32,
  encodeInvoice,
  msat,
  paymentHash,
  readConfig,
  openGateway,
  createMetrics,
  openState,
]

export type { Payee }
