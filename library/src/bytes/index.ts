export { decodeBase64, decodeBase64Any, encodeBase64, encodeBase64Url } from './base64.ts'
export { concatBytes, decodeUtf8, encodeUtf8, equalBytes, randomBytes } from './bytes.ts'
export { fingerprint, hmacSha256, sha256 } from './hash.ts'
export { decodeHex, encodeHex } from './hex.ts'
