/**
 * A form as `multipart/form-data`, as the Fetch standard writes it. A blob: its length is known, and
 * files in it are read only when it is sent.
 */
export function encodeForm(form: FormData): Blob {
  const boundary = `----satway-${crypto.randomUUID()}`
  const parts: (string | Blob)[] = []
  for (const [name, value] of form) {
    const start = `--${boundary}\r\nContent-Disposition: form-data; name="${quote(lines(name))}"`
    if (typeof value === 'string') {
      parts.push(`${start}\r\n\r\n${lines(value)}\r\n`)
      continue
    }
    const type = value.type === '' ? 'application/octet-stream' : value.type
    parts.push(`${start}; filename="${quote(value.name)}"\r\nContent-Type: ${type}\r\n\r\n`)
    parts.push(value, '\r\n')
  }
  parts.push(`--${boundary}--\r\n`)
  return new Blob(parts, { type: `multipart/form-data; boundary=${boundary}` })
}

/** Lines end in CR LF. */
function lines(text: string): string {
  return text.replace(/\r\n|\r|\n/g, '\r\n')
}

function quote(text: string): string {
  return text.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22')
}
