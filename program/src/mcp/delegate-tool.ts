import type { McpServer } from '@modelcontextprotocol/server'
import { parseAmount } from 'satway'
import type { StoredToken } from 'satway/client'
import { mayOpen } from 'satway/client'
import { Failure } from '../cli/failure.ts'
import type { Delegation, Restrictions } from '../delegation/index.ts'
import { makeDelegation } from '../delegation/index.ts'
import { readDuration } from '../desk/index.ts'
import { delegatedToken } from '../schema/index.ts'
import { isUsedUp } from '../tokens/index.ts'
import type { DelegateArguments } from './inputs.ts'
import { delegateInput } from './inputs.ts'
import type { Parts } from './parts.ts'
import { readOrigin } from './request.ts'
import { accountResult, untrusted } from './results.ts'
import { answer } from './tool-call.ts'

const defaultDuration = '1h'

/**
 * The tool `delegate`: the one whose result holds a credential, and so the one that the operator has
 * to allow.
 *
 * @spec mcp.md R-MCP-44
 */
export function registerDelegateTool(server: McpServer, parts: Parts): void {
  server.registerTool(
    'delegate',
    {
      title: 'Hand on a narrower token',
      description:
        'Makes a narrower copy of a bought token for a sub-agent that has no wallet. The result is a secret: give it to that sub-agent and to nobody else. Works only where the person allowed it, and only with limits that the seller says it enforces.',
      inputSchema: delegateInput,
      outputSchema: delegatedToken,
      annotations: {
        readOnlyHint: false,
        destructiveHint: false,
        idempotentHint: false,
        openWorldHint: false,
      },
    },
    (given, ctx) =>
      answer(parts, 'delegate', ctx, async () => {
        if (!parts.allowDelegate) throw notAllowed()
        const nowSeconds = Math.floor(parts.now())
        const parent = await findParent(parts, given, nowSeconds)
        const { token, warnings } = narrow(parent, restrictionsOf(given, nowSeconds), nowSeconds)
        const words = [
          `A copy of token ${token.parent} for ${token.origin}: ${token.caveats.join(', ')}.`,
          ...warnings,
          'For the sub-agent, as the header Authorization; a secret:',
          token.authorization,
        ]
        return { result: accountResult(words.join('\n'), token), log: `${token.parent} done` }
      }),
  )
}

/** Its advice is for people at a command line, who may know better than the seller. */
function narrow(parent: StoredToken, restrictions: Restrictions, nowSeconds: number): Delegation {
  try {
    return makeDelegation(parent, restrictions, { nowSeconds })
  } catch (error) {
    if (!(error instanceof Failure)) throw error
    const published = parent.enforces.map((condition) => untrusted(condition)).join(', ')
    const advice = `The seller says that it enforces: ${published || 'nothing'}.`
    throw new Failure(error.message, { advice })
  }
}

function notAllowed(): Failure {
  return new Failure('This server gives no credential away.', {
    advice:
      'Ask the person: `satway delegate` makes one, or `satway mcp --allow-delegate` allows it.',
  })
}

async function findParent(
  { agent }: Parts,
  { token: id, origin }: DelegateArguments,
  nowSeconds: number,
): Promise<StoredToken> {
  const tokens = agent.journal?.tokens
  if (tokens === undefined) throw new Failure('There are no tokens here to hand on.')
  if ((id === undefined) === (origin === undefined)) {
    throw new Failure('Name a token or an origin, and not both.')
  }
  const found =
    id === undefined
      ? (await tokens.usable(readOrigin(origin ?? ''), nowSeconds)).find(
          (token) => mayOpen(token, nowSeconds) && !isUsedUp(token),
        )
      : await tokens.find(id.toLowerCase())
  if (found !== undefined) return found
  throw new Failure('There is no such token.', { advice: 'The tool "tokens" lists what there is.' })
}

function restrictionsOf(given: DelegateArguments, nowSeconds: number): Restrictions {
  const { uses, spend, method, path, expires = defaultDuration } = given
  const seconds = readDuration(expires)
  if (seconds === undefined) throw new Failure('expires: expected a duration such as "1h".')
  return {
    expiresAtSeconds: nowSeconds + seconds,
    ...(uses !== undefined && { uses }),
    ...(spend !== undefined && { spendSat: wholeSat(spend) }),
    ...(method !== undefined && { methods: method }),
    ...(path !== undefined && { path }),
  }
}

function wholeSat(text: string): bigint {
  const amountMsat = parseAmount(text)
  if (amountMsat >= 1000n && amountMsat % 1000n === 0n) return amountMsat / 1000n
  throw new Failure('spend: expected whole sat, 1 or more.')
}
