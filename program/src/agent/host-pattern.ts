/** A host pattern as the library reads it: R-PAY-21. */
export type HostPattern = {
  readonly hostname: string
  /** `*.`: every name below it, and not the name itself. */
  readonly below: boolean
  readonly port: string | undefined
}

/** What every host pattern looks like. Names that no URL can hold are refused besides. */
export const hostPatternForm =
  '^(\\*\\.)?(\\[[0-9A-Fa-f:.]+\\]|[^\\s/?#@:\\[\\]*\\\\]+)(:\\d{1,5})?$'
const form = /^(\*\.)?(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:[\]*\\]+)(?::(\d{1,5}))?$/

/**
 * Reads `api.example.com`, `*.example.com`, `localhost:8080`.
 *
 * @returns `undefined` for anything that is not one.
 */
export function parseHostPattern(text: string): HostPattern | undefined {
  const match = form.exec(text)
  if (match === null) return undefined
  const [, star, name = '', port] = match
  const url = URL.parse(`https://${name}`)
  if (url === null || url.pathname !== '/') return undefined
  return { hostname: url.hostname.replace(/\.$/, ''), below: star !== undefined, port }
}
