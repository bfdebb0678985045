import type { ConfigMistake } from './config/index.ts'

/** `12:5  services[0].upstream  expected …`: one line for a person. */
export function sayMistake({ path, line, column, message }: ConfigMistake): string {
  const place = line === undefined ? '' : `${line}:${column ?? 1}  `
  return `${place}${path === '' ? '' : `${path}  `}${message}`
}
