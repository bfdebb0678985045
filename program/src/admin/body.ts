import { AdminProblem } from './problem.ts'

/** Longest body of a request. */
export const maxBodyBytes = 65_536
/** Deeper than any service, and far from what exhausts a stack. */
const maxDepth = 32

/**
 * Reads a JSON body.
 *
 * @throws {AdminProblem} ADMIN_MEDIA_TYPE, ADMIN_TOO_LARGE above 64 KiB, ADMIN_MALFORMED for what is
 *   no JSON or nested deeper than 32.
 * @spec gateway.md R-ADM-11
 */
export async function readJsonBody(request: Request): Promise<unknown> {
  const mediaType = (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  if (mediaType !== 'application/json') {
    throw new AdminProblem('ADMIN_MEDIA_TYPE', 'The body is not declared to be JSON.')
  }
  if (request.headers.has('content-encoding')) {
    throw new AdminProblem('ADMIN_MEDIA_TYPE', 'A compressed body is not read here.')
  }
  if (Number(request.headers.get('content-length') ?? 0) > maxBodyBytes) throw tooLarge()
  const value = parse(await readBytes(request))
  if (isDeeperThan(value, maxDepth)) {
    throw new AdminProblem('ADMIN_MALFORMED', `The body is nested deeper than ${maxDepth}.`)
  }
  return value
}

async function readBytes(request: Request): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > maxBodyBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new AdminProblem('ADMIN_MALFORMED', 'The body is not JSON.')
  }
}

function isDeeperThan(value: unknown, depth: number): boolean {
  let level: readonly unknown[] = [value]
  for (let i = 0; i <= depth; i++) {
    level = level.flatMap((item) =>
      typeof item === 'object' && item !== null ? Object.values(item) : [],
    )
    if (level.length === 0) return false
  }
  return true
}

function tooLarge(): AdminProblem {
  return new AdminProblem('ADMIN_TOO_LARGE', 'The body is too large.', {
    headers: { connection: 'close' }, // the rest of it is not waited for
  })
}
