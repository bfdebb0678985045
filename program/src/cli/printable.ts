/**
 * Text from elsewhere, made safe to show: no control characters, which could move the cursor or
 * recolour the screen, and no marks that turn the direction of writing.
 */
export function printable(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    '\ufffd',
  )
}
