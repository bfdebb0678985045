/**
 * Makes text from a server safe for a terminal, piece by piece: what could move the cursor, recolour
 * the screen, write into the clipboard or turn the direction of writing becomes `\ufffd`. Line breaks
 * and tabs stay.
 */
export type TerminalText = {
  next(bytes: Uint8Array): string
  /** What was held back. */
  end(): string
}

const unsafe =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu

export function createTerminalText(): TerminalText {
  const decoder = new TextDecoder()
  let held = ''
  return {
    next(bytes) {
      const text = held + decoder.decode(bytes, { stream: true })
      // A carriage return is harmless before a line feed, which may be in the next piece.
      held = text.endsWith('\r') ? '\r' : ''
      return clean(text.slice(0, text.length - held.length))
    },
    end() {
      return clean(held + decoder.decode())
    },
  }
}

function clean(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(unsafe, '\ufffd')
}

/** Whether this beginning of a body is no text. */
export function looksBinary(bytes: Uint8Array): boolean {
  return bytes.includes(0)
}
