import { randomBytes, X509Certificate } from 'node:crypto'
import { link, mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { dirname } from 'node:path'

/** What TLS answers with. PEM. */
export type KeyPair = {
  /** The certificate, and those between it and its authority. */
  readonly certificate: string
  readonly key: string
}

/** Makes a folder that only its owner can enter, unless it is there. */
export async function makePrivateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
}

/**
 * Writes a file that only its owner can read, all of it or nothing.
 *
 * @param mode - `create` leaves a file alone that is there already.
 */
export async function writePrivateFile(
  file: string,
  text: string,
  mode: 'create' | 'replace' = 'replace',
): Promise<void> {
  const draft = `${file}.${randomBytes(6).toString('hex')}`
  const handle = await open(draft, 'wx', 0o600)
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
  if (mode === 'replace') return await rename(draft, file)
  try {
    await link(draft, file)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  } finally {
    await rm(draft, { force: true })
  }
}

/** The text of a file, or `undefined` where there is none. */
export async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** What a file is, and since when: another one after every writing. `undefined` where there is none. */
export type FileStamp = { readonly id: string; readonly writtenMs: number }

export async function stampOf(file: string): Promise<FileStamp | undefined> {
  try {
    const { ino, size, mtimeMs } = await stat(file)
    // Times are coarse: two files of one moment differ in their place.
    return { id: `${ino} ${size} ${mtimeMs}`, writtenMs: mtimeMs }
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Key and certificate stand in one file: they are never seen apart. */
export async function writeKeyPair(
  file: string,
  pair: KeyPair,
  mode: 'create' | 'replace',
): Promise<void> {
  await makePrivateFolder(dirname(file))
  await writePrivateFile(file, `${pair.key.trim()}\n${pair.certificate.trim()}\n`, mode)
}

/** @returns `undefined` where there is no file, or another one than {@link writeKeyPair} writes. */
export async function readKeyPair(file: string): Promise<KeyPair | undefined> {
  const text = await readIfThere(file)
  const [, key, certificate] =
    /^(-----BEGIN [A-Z ]*PRIVATE KEY-----\n[^-]+-----END [A-Z ]*PRIVATE KEY-----)\n(-----BEGIN CERTIFICATE-----[\s\S]+)$/.exec(
      text ?? '',
    ) ?? []
  if (key === undefined || certificate === undefined) return undefined
  try {
    new X509Certificate(certificate)
  } catch {
    return undefined
  }
  return { key: `${key}\n`, certificate }
}

/** When a certificate is to be renewed: when a third of its life is left. In milliseconds since 1970. */
export function renewalMs(certificate: string): number {
  const { validFromDate, validToDate } = new X509Certificate(certificate)
  const from = validFromDate.getTime()
  return from + ((validToDate.getTime() - from) * 2) / 3
}

/** Whether a certificate is for all of these names and addresses. */
export function isFor(certificate: string, names: readonly string[]): boolean {
  const x509 = new X509Certificate(certificate)
  const listed = (x509.subjectAltName ?? '').toLowerCase().split(', ')
  return names.every((name) =>
    isIP(name) === 0
      ? listed.includes(`dns:${name.toLowerCase()}`)
      : x509.checkIP(name) !== undefined,
  )
}

export function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
