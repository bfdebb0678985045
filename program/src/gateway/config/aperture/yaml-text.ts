/** A text as a YAML scalar: plain where that is safe, else as JSON, which is YAML too. */
export function scalar(text: string): string {
  const isPlain = /^[A-Za-z/][\w./:@-]*$/.test(text) && !/:$/.test(text)
  const isWord = /^(?:true|false|null|yes|no|on|off)$/i.test(text)
  return isPlain && !isWord ? text : JSON.stringify(text)
}

/** A text that is no reference, although it may look like one. */
export function literal(text: string): string {
  return scalar(text.replaceAll('${', '$${'))
}

/** `[a, b]`. */
export function flowList(texts: readonly string[]): string {
  return `[${texts.map((text) => (text.startsWith('*') ? JSON.stringify(text) : scalar(text))).join(', ')}]`
}

/** `{ a: 1, b: 2 }`; values are YAML already. */
export function flowMapping(entries: readonly (readonly [string, string])[]): string {
  return `{ ${entries.map(([name, value]) => `${name}: ${value}`).join(', ')} }`
}

/** Text for a comment: one line. */
export function comment(text: string): string {
  return `# ${text.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ').slice(0, 200)}`
}
