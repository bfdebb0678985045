import { L402Error, msat } from 'satway'
import type { Client, StoredToken } from 'satway/client'
import { createClient, createMemoryTokenStore, storedTokenOf } from 'satway/client'
import { createTransport } from 'satway/transport'
import { exitCodes } from '../cli/exit-codes.ts'
import { Failure } from '../cli/failure.ts'
import type { Agent } from './agent.ts'
import { listening } from './asked.ts'
import { downloadsMaxBytes } from './config-file.ts'
import type { Home } from './home.ts'
import { policyViewOf } from './policy-file.ts'
import type { FilePolicy } from './policy-rules.ts'
import type { Watch } from './watching.ts'

/** Nothing is paid by somebody who was given a token and no money. */
const nothing: FilePolicy = { maxPaymentMsat: msat(0n), maxTotalMsat: msat(0n) }
const maxLength = 65_536

/**
 * A spender who has one token, from `satway delegate`, and neither wallet nor journal.
 *
 * @param credential - `ORIGIN AUTHORIZATION`.
 * @throws {Failure} for anything else. Never repeats it.
 * @spec agent.md R-AGT-16
 */
export function openDelegate(
  home: Home,
  credential: string,
  { verifyTls, watch }: { readonly verifyTls: boolean; readonly watch: Watch },
): Agent {
  const stored = readCredential(credential)
  const tokens = createMemoryTokenStore()
  const kept = tokens.put(stored)
  const transport = createTransport({ verifyTls })
  const client: Client = createClient({
    policy: nothing,
    tokens,
    fetch: listening(
      async (url, init, route) => {
        await kept
        return await transport.fetch(url, init, route)
      },
      watch,
      { refusals: true },
    ),
  })
  return {
    home,
    client,
    journal: undefined,
    delegatedTo: stored.origin,
    policy: { current: () => nothing, view: () => policyViewOf(nothing, null) },
    payer: undefined,
    walletKind: 'none',
    openWallet: async () => {
      throw new L402Error('NODE_UNAVAILABLE', { reason: 'whoever uses a credential has no wallet' })
    },
    walletLooksUp: false,
    realMoney: false,
    downloadsMaxBytes: downloadsMaxBytes({}),
    transport,
    keepReconciling: () => undefined,
    close: async () => transport.close(),
  }
}

function readCredential(text: string): StoredToken {
  const space = text.indexOf(' ')
  if (space < 1 || text.length > maxLength) throw unusable('it is not of that form')
  const origin = text.slice(0, space)
  const authorization = text.slice(space + 1).trim()
  try {
    return storedTokenOf({ origin, authorization })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw unusable(error.message.replace(/^storedTokenOf: /, ''))
  }
}

function unusable(reason: string): Failure {
  return new Failure(`The credential cannot be used: ${reason}.`, {
    exitCode: exitCodes.usage,
    advice: 'Expected what `satway delegate` prints: ORIGIN AUTHORIZATION, in one line.',
  })
}
