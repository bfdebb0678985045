import type { RewriteConfig } from '../config/index.ts'

/**
 * What is asked of the upstream: `stripPrefix` is taken off the path, `addPrefix` put before it, and
 * the path of the upstream's URL before both. The query stays. A path that does not begin with
 * `stripPrefix`, as a whole segment, keeps it.
 *
 * @param target - Canonical path and query, as the routes gave it: begins with `/`.
 * @param upstreamPath - Path of the upstream's URL; `/` for none.
 * @returns Begins with `/`.
 * @spec gateway.md R-FWD-9
 */
export function rewriteTarget(
  target: string,
  rewrite: RewriteConfig | undefined,
  upstreamPath: string,
): string {
  const stripped = strip(target, withoutEndSlash(rewrite?.stripPrefix))
  const prefix = withoutEndSlash(upstreamPath) + withoutEndSlash(rewrite?.addPrefix)
  return prefix === '' ? stripped : prefix + stripped
}

function strip(target: string, prefix: string): string {
  if (prefix === '' || !target.startsWith(prefix)) return target
  const rest = target.slice(prefix.length)
  if (rest === '' || rest.startsWith('?')) return `/${rest}`
  return rest.startsWith('/') ? rest : target
}

function withoutEndSlash(path: string | undefined): string {
  if (path === undefined) return ''
  return path.endsWith('/') ? path.slice(0, -1) : path
}
