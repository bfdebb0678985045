import { hostOf } from './host.ts'
import type { StoredToken, TokenStore } from './token-store.ts'
import { markToken, mayOpen } from './token-store.ts'

/** A token store that lives as long as the process. */
export function createMemoryTokenStore(): TokenStore {
  const byId = new Map<string, StoredToken>()
  /** Ids of tokens that may still open something, by origin: the others are not looked at again. */
  const live = new Map<string, Set<string>>()

  const put = (token: StoredToken): void => {
    const { id, origin } = token
    const isRevived = isLive(token) && byId.has(id) && live.get(origin)?.has(id) === false
    byId.set(id, token)
    if (isRevived) {
      // Back in its place: in the order in which they came.
      const all = [...byId.values()].filter((one) => one.origin === origin && isLive(one))
      live.set(origin, new Set(all.map((one) => one.id)))
      return
    }
    const ids = live.get(origin) ?? new Set()
    live.set(origin, ids)
    if (isLive(token)) ids.add(id)
    else ids.delete(id)
  }

  return {
    put: async (token) => {
      if (!byId.has(token.id)) put(token)
    },
    mark: async (id, mark) => {
      const token = byId.get(id)
      if (token !== undefined) put(markToken(token, mark))
    },
    find: async (id) => byId.get(id),
    usable: async (origin, nowSeconds) =>
      [...(live.get(origin) ?? [])]
        .map((id) => byId.get(id)!)
        .filter((token) => mayOpen(token, nowSeconds))
        .reverse(),
    countOwed: async (host, nowSeconds) => {
      let count = 0
      for (const [origin, ids] of live) {
        if (hostOf(origin) !== host) continue
        for (const id of ids) {
          const token = byId.get(id)!
          if (token.standing === 'owed' && mayOpen(token, nowSeconds)) count++
        }
      }
      return count
    },
    list: async () => [...byId.values()],
  }
}

function isLive({ standing }: StoredToken): boolean {
  return standing !== 'spent' && standing !== 'abandoned'
}
