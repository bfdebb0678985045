/** Text that somebody else chose, for a receipt or a screen: cut, and nothing invisible in it. */
export function plainText(text: string, maxCharacters = 64): string {
  const visible = text.slice(0, 16 * maxCharacters).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, '')
  return [...visible].slice(0, maxCharacters).join('')
}
