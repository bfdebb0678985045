/** What `@hono/node-server` passes beside the request. */
export type NodeEnvironment = {
  readonly incoming?: {
    readonly socket?: { readonly remoteAddress?: string; readonly destroyed?: boolean }
  }
  readonly outgoing?: { readonly destroyed?: boolean }
}

/**
 * Whether nobody waits for the response any more.
 *
 * @param environment - What the runtime passes beside the request. On Node its socket is asked: a
 *   signal costs something to make, and says nothing for requests that wait behind another one.
 */
export function hasLeft(request: Request, environment: unknown): boolean {
  const { incoming, outgoing } = (environment ?? {}) as NodeEnvironment
  if (outgoing?.destroyed === true || incoming?.socket?.destroyed === true) return true
  if (outgoing !== undefined) return false
  // Some runtimes tell nobody, and have no signal.
  const { signal }: { readonly signal?: AbortSignal | null } = request
  return signal?.aborted === true
}
